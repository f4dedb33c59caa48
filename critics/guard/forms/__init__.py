"""The forms in which guard models write their verdicts. What is not plainly of its form is unreadable, never a pass."""

from critics.guard.forms.coded import coded
from critics.guard.forms.fields import qwen3guard, wildguard
from critics.guard.forms.objects import nemoguard_object, violation
from critics.guard.forms.said import Said
from critics.guard.forms.yes_no import leading_yes_no, scored, yes_no

__all__ = [
    "Said",
    "coded",
    "leading_yes_no",
    "nemoguard_object",
    "qwen3guard",
    "scored",
    "violation",
    "wildguard",
    "yes_no",
]

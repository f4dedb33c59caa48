from __future__ import annotations

import pytest

from critics import Unreadable
from critics.judge.reading import read_verdict

CHOICES = ("yes", "no")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"verdict": "yes"}', "yes"),
        ('Well. {"verdict": "no"} That is all.', "no"),
        ('{"verdict": "no"}\n{"verdict": "yes"}', "yes"),
        ("no\nVerdict: YES", "yes"),
        ("**Verdict: no.**", "no"),
        ("Yes", "yes"),
        ("<think>It says yes\nyes\n</think>\nno", "no"),
        ('```json\n{"verdict": "no", "why": "kind"}\n```', "no"),
        ('{"broken json {"verdict": "yes"}', "yes"),
    ],
)
def test_a_verdict_is_anchored_and_the_last_one_wins(text: str, verdict: str) -> None:
    """An object's verdict or a line of its own counts; of several the last one."""
    assert read_verdict(text, CHOICES) == verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No rule is broken, yes?",
        "Not safe.",
        "yes and no",
        '{"verdict": "maybe"}',
        "no\nVerdict: unclear",
        "no\n**Answer**: neither",
        '{"verdict": true}',
        '{"verdict": NaN}',
        '{"verdict": "yes", "verdict": "no"}',
        'yes\n{"verdict": "perhaps"}',
        "<think>yes",
        '{"verdict": ["yes"]}',
        '{"verdict":',
        "1",
    ],
)
def test_what_is_not_plain_is_unreadable(text: str) -> None:
    """A guess would pass drafts that nobody passed."""
    with pytest.raises(Unreadable):
        read_verdict(text, CHOICES)

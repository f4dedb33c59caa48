"""`Yes` and `No`: whether one criterion is met, or one guideline violated."""

from __future__ import annotations

import re

from critics.guard.forms.reasoning import answer_in
from critics.guard.forms.said import Said, unreadable
from critics.manifesto.schema import Side

_BARE = re.compile(r"\s*(yes|no)\s*(?:<confidence>\s*\w{1,16}\s*</confidence>\s*)?", re.IGNORECASE)
_LEADING = re.compile(r"\s*(yes|no)(?:\s*\Z|[ \t]*[.,:;!]|[ \t]*\n)", re.IGNORECASE)
_SCORED = re.compile(r"\s*<score>\s*(yes|no)\s*</score>\s*", re.IGNORECASE)


def yes_no(text: str, side: Side) -> Said:  # noqa: ARG001 (the readers' common form)
    """The word, and how confident the model says it is, which is not read (Granite Guardian 3.0 to 3.2)."""
    start, end = answer_in(text)
    return _said(_BARE.fullmatch(text, start, end), text)


def leading_yes_no(text: str, side: Side) -> Said:  # noqa: ARG001 (the readers' common form)
    """The word, and after a stop or on another line whatever the model goes on to explain (ShieldGemma's card)."""
    start, end = answer_in(text)
    return _said(_LEADING.match(text, start, end), text)


def scored(text: str, side: Side) -> Said:  # noqa: ARG001 (the readers' common form)
    """`<score> yes </score>`, after reasoning that may be empty (Granite Guardian 3.3 and 4.1)."""
    start, end = answer_in(text)
    return _said(_SCORED.fullmatch(text, start, end), text)


def _said(found: re.Match[str] | None, text: str) -> Said:
    if found is None:
        raise unreadable(text)
    return Said(found[1].lower(), found.start(1))

"""`safe`, or `unsafe` and on the next line the codes of what it violates (Llama Guard, arXiv 2312.06674)."""

from __future__ import annotations

import re

from critics.guard.forms.reasoning import answer_in
from critics.guard.forms.said import Said, unreadable
from critics.manifesto.schema import Side

_CODE = r"[A-Za-z]{0,4}[0-9]{1,3}"
_CODED = re.compile(rf"\s*(?:(safe)|(unsafe)(?:\s+({_CODE}(?:\s*,\s*{_CODE}|\s+{_CODE}){{0,40}}))?)\s*", re.IGNORECASE)


def coded(text: str, side: Side) -> Said:  # noqa: ARG001 (the readers' common form; the prompt says which side is judged)
    """Raises `Unreadable`, also for codes after `safe` and for anything that follows."""
    start, end = answer_in(text)
    found = _CODED.fullmatch(text, start, end)
    if found is None:
        raise unreadable(text)
    group = 1 if found[1] else 2
    return Said(found[group].lower(), found.start(group), tuple(re.findall(_CODE, found[3] or "")))

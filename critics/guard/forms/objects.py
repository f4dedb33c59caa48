"""Verdicts as one JSON object and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

from critics.errors import Unreadable
from critics.guard.forms.fields import names, nemoguard_fields
from critics.guard.forms.reasoning import answer_in
from critics.guard.forms.said import Said, unreadable
from critics.manifesto.schema import Side

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(?P<inside>.*?)\n\s*```\s*", re.DOTALL | re.IGNORECASE)
_DIGIT = re.compile(r"\s*([01])\s*")


def nemoguard_object(text: str, side: Side) -> Said:
    """`User Safety`, `Response Safety`, `Safety Categories` (NemoGuard 8B Content Safety's card), or those as lines."""
    start, end = answer_in(text)
    if not text[start:end].lstrip().startswith(("{", "```")):
        return nemoguard_fields(text, side)
    found = _object(text, start, end)
    key = "user safety" if side == "input" else "response safety"
    value = found.get(key)
    if not isinstance(value, str) or value.lower() not in ("safe", "unsafe"):
        raise Unreadable(f"the guard model gave {value!r} as {key!r}")
    listed = found.get("safety categories") or ""
    if isinstance(listed, list):
        listed = ", ".join(map(str, listed))
    return Said(value.lower(), _place(text, start, end, key), names(str(listed)))


def violation(text: str, side: Side) -> Said:  # noqa: ARG001 (the prompt says which side is judged)
    """`{"violation": 1}` among whatever other keys, or a bare `1` or `0` (the user guide to gpt-oss-safeguard)."""
    start, end = answer_in(text)
    if digit := _DIGIT.fullmatch(text, start, end):
        return Said(digit[1], digit.start(1))
    value = _object(text, start, end).get("violation")
    if value not in (0, 1) or isinstance(value, float):
        raise Unreadable(f"the guard model gave {value!r} as 'violation'")
    return Said(str(int(value)), _place(text, start, end, "violation"))


def _object(text: str, start: int, end: int) -> dict[str, Any]:
    """The object, its keys in small letters."""
    fenced = _FENCED.fullmatch(text, start, end)
    try:
        value = json.loads(fenced["inside"] if fenced else text[start:end], object_pairs_hook=_once)
    except (json.JSONDecodeError, RecursionError):
        raise unreadable(text[start:end]) from None
    if not isinstance(value, dict):
        raise unreadable(text[start:end])
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key.strip().lower() for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Unreadable("the guard model gave the same key twice")
    return dict(zip(keys, (value for _, value in pairs), strict=True))


def _place(text: str, start: int, end: int, key: str) -> int:
    """Where the key's value stands. Inside a string a quotation mark is escaped, so no other place looks like it."""
    found = re.compile(rf'"\s*{re.escape(key)}\s*"\s*:\s*"?', re.IGNORECASE).search(text, start, end)
    return found.end() if found else start

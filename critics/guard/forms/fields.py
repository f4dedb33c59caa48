"""Verdicts as lines of `Key: value`. Each key once, none but those of the form, and the one asked about among them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from critics.errors import Unreadable
from critics.guard.forms.reasoning import answer_in
from critics.guard.forms.said import Said, unreadable
from critics.manifesto.schema import Side

_LINE = re.compile(r"[ \t]*([A-Za-z ]{1,40}?)[ \t]*:[ \t]*([^\n]*?)[ \t\r]*(?:\n|\Z)")
_BLANK = re.compile(r"\s*")
_SAFETY = ("safe", "unsafe")

Fields = Mapping[str, tuple[str, int]]
"""Keys in small letters; their values, and where those stand."""


def qwen3guard(text: str, side: Side) -> Said:  # noqa: ARG001 (the prompt says which side is judged)
    """`Safety`, `Categories` and, about a response, `Refusal`, which is not read (Qwen3Guard-Gen, arXiv 2510.14276)."""
    found = _fields(text, ("safety", "categories", "refusal"))
    said = _said(found, "safety", (*_SAFETY, "controversial"), names(found.get("categories", ("", 0))[0]))
    if said.word == "safe" and said.codes:
        raise Unreadable(f"the guard model says safe, and names {', '.join(said.codes)}")
    return said


def wildguard(text: str, side: Side) -> Said:
    """`Harmful request`, `Response refusal`, not read, and `Harmful response` (WildGuard, arXiv 2406.18495)."""
    found = _fields(text, ("harmful request", "response refusal", "harmful response"))
    return _said(found, "harmful request" if side == "input" else "harmful response", ("yes", "no"))


def nemoguard_fields(text: str, side: Side) -> Said:
    """`User Safety`, `Response Safety`, `Safety Categories` as lines (Nemotron 3 Content Safety's card)."""
    found = _fields(text, ("user safety", "response safety", "safety categories"))
    key = "user safety" if side == "input" else "response safety"
    return _said(found, key, _SAFETY, names(found.get("safety categories", ("", 0))[0]))


def names(listed: str) -> tuple[str, ...]:
    """A list with commas; `None` is nothing."""
    found = [name.strip() for name in listed.split(",")]
    return tuple(name for name in found if name and name.lower() not in ("none", "n/a"))


def _fields(text: str, keys: tuple[str, ...]) -> Fields:
    start, end = answer_in(text)
    found: dict[str, tuple[str, int]] = {}
    position = _skip(text, start, end)
    while position < end:
        line = _LINE.match(text, position, end)
        key = line[1].lower() if line else ""
        if line is None or key not in keys:
            raise unreadable(text[position:end])
        if key in found:
            raise Unreadable(f"the guard model gave {key!r} twice")
        found[key] = line[2], line.start(2)
        position = _skip(text, line.end(), end)
    return found


def _skip(text: str, start: int, end: int) -> int:
    blank = _BLANK.match(text, start, end)
    return blank.end() if blank else start


def _said(found: Fields, key: str, words: tuple[str, ...], codes: tuple[str, ...] = ()) -> Said:
    value, place = found.get(key, ("", 0))
    if value.lower() not in words:
        raise Unreadable(f"the guard model gave {value!r} as {key!r}" if value else f"the guard model gave no {key!r}")
    return Said(value.lower(), place, codes)

"""What looks like personal data to a pattern, and to a reader does not."""

from __future__ import annotations

import re

from critics.manifesto.schema import Entity
from critics.personal_data.views import View
from critics.text.unspaced import HANGUL, UNSPACED

WEAK = 0.1
"""A score that takes a word such as "phone" before it to count."""

_WHOLE = rf"(?<![^\W{UNSPACED}{HANGUL}])"
_WORDY: frozenset[Entity] = frozenset({"email", "url"})
_REFERENCES: dict[Entity, re.Pattern[str]] = {
    "ip": re.compile(
        rf"{_WHOLE}(?:version|ver|release|build|firmware|revision|section|chapter|clause)s?[\s:.#]*$|\w==$"
        # version and number in Chinese, version in Japanese, Korean and Thai
        r"|(?:\u7248\u672c|\u7b2c|\u30d0\u30fc\u30b8\u30e7\u30f3|\ubc84\uc804|\u0e40\u0e27\u0e2d\u0e23\u0e4c\u0e0a\u0e31\u0e19)[\s:\uff1a]*$",
        re.I,
    ),
    "phone": re.compile(rf"{_WHOLE}(?:isbn|issn|doi|pmid|rfc)(?:-1[03])?[\s:#]*$", re.I),
}
_REFERENCE_REACH = 20
_COUNT = re.compile(r"\d\.\d+|[1-9]\d{0,2}(?:[ .\u00a0\u202f]\d{3})+")


def plausible(kind: Entity, view: View, start: int, end: int, score: float) -> float:
    """The score of a hit in `start` to `end`, lowered where its form or its neighbours tell against it; 0 is none."""
    text = view.text
    if kind not in _WORDY and _inside_a_word(text, start, end):
        return 0.0
    if kind in ("ip", "phone") and (_inside_dots(text, start, end) or _is_reference(kind, view, start)):
        return 0.0
    found = text[start:end]
    if kind == "ip" and not _is_address(found):
        return 0.0
    return min(score, WEAK) if kind == "phone" and _bare(found) else score


def _inside_a_word(text: str, start: int, end: int) -> bool:
    """Some patterns match in the middle of a hash or of a longer number."""
    return text[max(0, start - 1) : start].isalnum() or text[end : end + 1].isalnum()


def _inside_dots(text: str, start: int, end: int) -> bool:
    """Part of a decimal, or of a dotted identifier that goes on."""
    return bool(re.search(r"\d\.$", text[max(0, start - 2) : start]) or re.match(r"\.\d", text[end : end + 2]))


def _is_reference(kind: Entity, view: View, start: int) -> bool:
    return any(
        _REFERENCES[kind].search(text[max(0, start - _REFERENCE_REACH) : start]) for text in (view.text, view.around)
    )


def _is_address(found: str) -> bool:
    """Not `A::B` of a programming language, as addresses in use have a digit, nor the `120.0.0.0` of a browser."""
    return bool(re.search(r"\d", found)) and not re.fullmatch(r"[1-9]\d*\.0\.0\.0", found)


def _bare(found: str) -> bool:
    """A phone number that could as well be a count, a decimal or a list: nothing in it marks it as one.

    A leading 0 or + marks it, and so does grouping, but not into thousands, single digits or more than five groups.
    """
    if found.startswith("+"):
        return False
    if found.isdigit():
        return not found.startswith("0")
    groups = re.findall(r"\d+", found)
    return bool(_COUNT.fullmatch(found)) or len(groups) > 5 or all(len(group) == 1 for group in groups)

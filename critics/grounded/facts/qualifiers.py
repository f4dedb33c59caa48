"""What the words around a number make of it: below zero, a bound, or rough."""

from __future__ import annotations

import re
from typing import NamedTuple

_MORE = r"\b(?:over|above|exceed(?:s|ed|ing)?|at least|(?:more|greater|higher|larger|longer|older) than)|[>≥]=?"
_LESS = r"\b(?:under|below|at most|(?:less|fewer|lower|smaller|shorter|younger) than)|[<≤]=?"
_MINUS = re.compile(r"(?:(?<![^\s(=:~])(?<!\d )[-−]|\b(?:minus|negative)\s+)$", re.IGNORECASE)  # no range: 3-5, 3 -5
_BOUND = re.compile(rf"(?P<not>(?:\bno|\bnot|n['’]t)\s+)?(?:(?P<more>{_MORE})|{_LESS})\s*$", re.IGNORECASE)
_ROUGH = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.|roughly|nearly|almost|some|over|circa|ca\."
    r"|(?:more|less|fewer) than)\s+|~\s?)$",
    re.IGNORECASE,
)
_FALL = re.compile(
    r"\b(?:f[ae]ll|dropp?|declin|decreas|reduc|shr[aiu]nk|los[eist]|down|cut|deficit)\w*"
    r"(?:\s+(?!(?:to|below|under)\b)[^\W\d_]+){0,3}\s+$",
    re.IGNORECASE,
)
_LOOK_BACK = 40  # characters: "decreased by approximately more than "

_BELOW_ZERO = re.compile(r"(?:\s?°\s?[cf]?|\s+degrees)?(?:\s+(?:celsius|fahrenheit))?\s+below\s+zero\b", re.IGNORECASE)
_OR_MORE = re.compile(
    r"(?:\s?\+(?!\s?\d)|(?:[\s-]+[^\W\d_]+)?\s+(?:or|and)\s+(?:(?P<less>less|fewer|under|below|younger|lower)"
    r"|more|over|above|older|higher|up)\b)",
    re.IGNORECASE,
)


class Qualified(NamedTuple):
    """A number's surroundings: where in the sentence they begin and end, as far as they change what it says.

    `bound` is 1 for *more than 500*, -1 for *less than 500*. `unsigned` is what something fell by: it may stand with a
    minus elsewhere, or without.
    """

    start: int
    end: int
    negative: bool
    unsigned: bool
    bound: int
    rough: bool


def qualified(sentence: str, start: int, end: int) -> Qualified:
    """What stands around the number at a place in a sentence."""
    first = max(0, start - _LOOK_BACK)
    minus, below = _MINUS.search(sentence[first:start]), _BELOW_ZERO.match(sentence, end)
    start = first + minus.start() if minus else start
    before = sentence[first:start]
    bound, after = _BOUND.search(before), _OR_MORE.match(sentence, end)
    return Qualified(
        start=first + bound.start() if bound else start,
        end=max(each.end() for each in (below, after) if each) if below or after else end,
        negative=bool(minus or below),
        unsigned=_FALL.search(before) is not None,
        bound=_bound(bound, after),
        rough=_ROUGH.search(before) is not None,
    )


def _bound(before: re.Match[str] | None, after: re.Match[str] | None) -> int:
    if before:
        return 1 if bool(before["more"]) != bool(before["not"]) else -1
    if after:
        return -1 if after["less"] else 1
    return 0

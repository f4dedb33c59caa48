"""What stands before a phone number, and the matcher takes for the beginning of it: dates and times, which it takes for
numbers by themselves as well, and other numbers."""

from __future__ import annotations

import re

from critics.personal_data.views import WALL

_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12]\\d|3[01])", "(?:0?[1-9]|1[0-2])", "(?:1[5-9]|20)\\d\\d"
_DATE = "|".join(
    [rf"{_YEAR}{mark}{_MONTH}{mark}{_DAY}" for mark in ("-", r"\.", "/")]
    + [rf"(?:{_DAY}{mark}{_MONTH}|{_MONTH}{mark}{_DAY}){mark}{_YEAR}" for mark in ("-", r"\.", "/", r"\.[ \u00a0]")]
)
_TO = "[ \u00a0]?[-\u2013\u2014][ \u00a0]?"
_NUMBER = (
    r"\(?0\d{1,4}\)?[ /-]?\d{4}"  # 030 901820
    r"|0\d(?:[ .]\d\d){4}"  # 01 42 68 53 00
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"  # 415 555 2671
)
_BETWEEN = "(?:[ \u00a0]{1,2}|[ \u00a0]?[xX*\u00d7][ \u00a0]?)"
_DATES = re.compile(
    rf"(?<![\d+])(?<!\d[-./])(?:{_DAY}\.(?:{_MONTH}\.)?{_TO})?(?:{_DATE})(?:{_TO}(?:{_DATE}))*(?!\d|[./]\d|-\d)"
    rf"|(?<![\d+])(?<![\d+][ \u00a0]){_DAY} {_MONTH} {_YEAR}(?:(?! ?\d)|(?= (?:{_NUMBER})))"
)
_TIMES = re.compile(r"(?<![\d:.])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?:Z|[-+]\d\d:?\d\d)?(?![\d:])")
_APART = re.compile(
    rf"(?<![\d+./-])(?<![\d+)] )(?!1 \(?[2-9])\(?[1-9]\d{{0,4}}(?:[.,-]\d{{1,4}})?\)?(?={_BETWEEN}(?:{_NUMBER}))"
)
"""Another number before one, if not the 1 that is dialled first in America: Room 12 030 901820, 3 x 030 901820."""


def set_apart(text: str) -> tuple[str, ...]:
    """The text, as long as before, with a wall in the place of each date and time; and with one in the place of such
    other numbers as well, where there are any: 44 161 496 0958 is one number all the same."""
    dated = text
    for form in (_DATES, _TIMES):
        dated = form.sub(_wall, dated)
    return tuple(dict.fromkeys((dated, _APART.sub(_wall, dated))))


def _wall(found: re.Match[str]) -> str:
    return WALL * len(found[0])

"""Dates and times, which the phone matcher takes for numbers, or for the beginning of the number behind them."""

from __future__ import annotations

import re

from critics.personal_data.views import WALL

_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12]\\d|3[01])", "(?:0?[1-9]|1[0-2])", "(?:1[5-9]|20)\\d\\d"
_DATE = "|".join(
    [rf"{_YEAR}{mark}{_MONTH}{mark}{_DAY}" for mark in "-./"]
    + [rf"(?:{_DAY}{mark}{_MONTH}|{_MONTH}{mark}{_DAY}){mark}{_YEAR}" for mark in ("-", r"\.", "/", r"\.[ \u00a0]")]
)
_TO = "[ \u00a0]?[-\u2013\u2014][ \u00a0]?"
_DATES = re.compile(
    rf"(?<![\d+])(?<!\d[-./])(?:{_DAY}\.(?:{_MONTH}\.)?{_TO})?(?:{_DATE})(?:{_TO}(?:{_DATE}))*(?!\d|[./]\d|-\d)"
    rf"|(?<![\d+])(?<![\d+][ \u00a0]){_DAY} {_MONTH} {_YEAR}(?! ?\d)"
)
_TIMES = re.compile(r"(?<![\d:.])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?:Z|[-+]\d\d:?\d\d)?(?![\d:])")


def without_dates(text: str) -> str:
    """The text, as long as before, with a wall in the place of each date and time of day."""
    for form in (_DATES, _TIMES):
        text = form.sub(lambda found: WALL * len(found[0]), text)
    return text

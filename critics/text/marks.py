"""Combining marks, as the body of a regular-expression class: the standard library's `\\w` leaves them out."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_FIRST, _LAST = 0x300, 0x1FFFF


@lru_cache(maxsize=1)
def marks() -> str:
    """Every character of category M in the first two planes, in ranges. Made once: a walk over the database."""
    ranges: list[list[int]] = []
    for code in range(_FIRST, _LAST + 1):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)

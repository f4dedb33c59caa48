"""Combining marks that are drawn across, under or around a letter and spell nothing: struck out, it is the same word.

Facts from the Unicode Character Database. Those that many languages spell with are not among them, such as the line
right below a letter (U+0331). On a sign they mean something: a crossed-out `=` is not one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from critics.text.marks import marks

STROKES = (
    "\u0305\u0332-\u0338\u033f\u035e\u035f"  # lines above, below and through
    "\u20d2\u20d3\u20d8-\u20da\u20e5\u20e6\u20ea\u20eb"  # lines, rings and arrows through
    "\u20dd-\u20e0\u20e2-\u20e4"  # circles, squares, keycaps and other signs around
)
_STROKES = re.compile(f"[{STROKES}]+")


def unstruck(text: str) -> str:
    """The text without strokes on letters and digits."""
    return _marked().sub(lambda found: _STROKES.sub("", found[0]), text) if _STROKES.search(text) else text


@lru_cache(maxsize=1)
def _marked() -> re.Pattern[str]:
    return re.compile(f"[^\\W_][{marks()}]+")

"""A pattern as it is typed, and as it must be typed to match a normalised text.

The normal form composes letters with their marks and has plain apostrophes and dashes, so that what is typed otherwise
would match nothing in it. Only what stands for itself is typed anew, never what means something to RE2.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, starmap
from operator import itemgetter

from critics.patterns.syntax import TOKEN
from critics.text.invisible import INVISIBLE
from critics.text.normalise import composed

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_LITERALS = re.compile(r"[^.^$*+?{}()]+")


def forms(pattern: str) -> tuple[str, ...]:
    """The pattern, and its other form where that is another."""
    if pattern.isascii():
        return (pattern,)
    pieces: list[str] = []
    done = 0
    for token in TOKEN.finditer(pattern):
        pieces += (_retyped(pattern[done : token.start()]), token[0])
        done = token.end()
    return tuple(dict.fromkeys((pattern, "".join([*pieces, _retyped(pattern[done:])]))))


def _retyped(between: str) -> str:
    return _LITERALS.sub(lambda found: _normal(found[0]), between)


def _normal(literals: str) -> str:
    """Composed; and what stands among plain letters or digits, which make a word of it, in its normal form.

    A dash, a quote or a ligature by itself is meant as itself: who forbids `\u2013` does not forbid the hyphen.
    """
    literals = unicodedata.normalize("NFC", literals)
    if _INVISIBLE.search(literals):
        return literals
    letters = zip(*reversed(composed(literals)), strict=True)
    images = [(start, "".join(char for _, char in group)) for start, group in groupby(letters, itemgetter(0))]
    if not images:
        return literals
    ends = [*(start for start, _ in images[1:]), len(literals)]
    pairs = [(literals[start:end], image) for (start, image), end in zip(images, ends, strict=True)]
    spelt = any(before[0] == image and image.isalnum() for before, image in pairs)
    return "".join(starmap(_typed, pairs)) if spelt else literals


def _typed(before: str, after: str) -> str:
    """A small number or a sign is meant as itself: `m\u00b2` is not `m2`, and `Acme\u2122` is not `AcmeTM`."""
    if before == after or unicodedata.category(before[0]) in ("No", "So"):
        return before
    return re.escape(after) if len(after) == 1 else f"(?:{re.escape(after)})"

"""Text without regard to case, with the way back to where each character stood."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from critics.text.marks import marks
from critics.text.normalise import Normalised

_DOTTED = "i\u0307"
"""What Unicode folds the Turkish capital to: then no small i would be the same letter."""


def folded(text: str) -> Normalised:
    """Unicode's full case folding: SS is ß, and a sigma is one wherever it stands in its word.

    One letter may become several, so a place in the result is not one in the text. Letters with marks are composed,
    since some do not have a capital in one piece.
    """
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for found in _uneven().finditer(text):
        piece = unicodedata.normalize("NFC", found[0].casefold().replace(_DOTTED, "i"))
        pieces += (text[done : found.start()].casefold(), piece)
        offsets += (*range(done, found.start()), *[found.start()] * len(piece))
        done = found.end()
    return Normalised("".join([*pieces, text[done:].casefold()]), (*offsets, *range(done, len(text) + 1)))


@lru_cache(maxsize=1)
def _uneven() -> re.Pattern[str]:
    """What may not be folded letter by letter: with marks, or one that becomes several."""
    several = "".join(char for char in map(chr, range(0x10000)) if len(char.casefold()) > 1)
    return re.compile(f"[{several}][{marks()}]*|(?s:.)[{marks()}]+")

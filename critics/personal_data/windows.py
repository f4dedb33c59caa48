"""A text in pieces, so that no pattern runs long enough to be given up on.

Presidio skips a pattern that ran out of time, and its phone matcher stops after so many tries: on a text that was
made for it, data would pass unseen. In short pieces neither can happen, and the cost is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SIZE = 10_000
"""Characters in a piece."""
OVERLAP = 2_000
"""Characters that a piece shares with the next. Anything shorter lies whole in one of them."""

_DIGITS = re.compile(r"\d(?:[\WxX\u30fc]{0,6}\d){6,}")
_MARGIN = 60


class Piece(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int

    def cuts(self, start: int, end: int, length: int) -> bool:
        """Whether a find may be the rest of something that another piece of this text of `length` holds whole."""
        at_edge = (start == self.start > 0) or (end == self.end < length)
        return at_edge and end - start < OVERLAP


def windows(text: str) -> Iterator[Piece]:
    """All of the text, in overlapping pieces."""
    for start in range(0, max(1, len(text) - OVERLAP), SIZE - OVERLAP):
        yield Piece(start, min(len(text), start + SIZE))


def around_digits(text: str) -> Iterator[Piece]:
    """The neighbourhoods of seven digits and more. Phone numbers have no fewer, and their matcher is slow."""
    for window in windows(text):
        piece: Piece | None = None
        for match in _DIGITS.finditer(text, window.start, window.end):
            start, end = max(window.start, match.start() - _MARGIN), min(window.end, match.end() + _MARGIN)
            if piece and start <= piece.end:
                piece = Piece(piece.start, end)
                continue
            if piece:
                yield piece
            piece = Piece(start, end)
        if piece:
            yield piece

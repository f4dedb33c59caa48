"""Stop strings: nothing from one on is part of a draft, wherever its pieces are parted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from pipeline.drafting.generator import Piece, Pieces


class Stops:
    """Follows a text as it grows, behind what it had `begun` with. What could be the beginning of a stop string is held
    back until it is plain."""

    def __init__(self, stop: Sequence[str] = (), begun: str = "") -> None:
        self._stop = tuple(filter(None, stop))
        self._held = begun[max(0, len(begun) + 1 - max(map(len, self._stop), default=1)) :]
        self._out = len(self._held)
        """How much of that cannot be held back any more."""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What may be given out, now that this has been written."""
        if self.stopped:
            return ""
        self._held += text
        found = [(place + len(stop), place) for stop in self._stop if (place := self._place(stop)) >= 0]
        if found:  # the one that ends first, as if the text had come letter by letter
            self.stopped = True
            shown, self._held = self._given(min(found)[1]), ""
            return shown
        kept = max((_overlap(self._held, stop) for stop in self._stop), default=0)
        return self._given(len(self._held) - kept)

    def rest(self) -> str:
        """What is still held back, at the end."""
        return self._given(len(self._held))

    def _place(self, stop: str) -> int:
        """Where it stands, but for what lies in the beginning alone; -1 if it does not."""
        return self._held.find(stop, max(0, self._out + 1 - len(stop)))

    def _given(self, end: int) -> str:
        shown, self._held = self._held[self._out : end], self._held[end:]
        self._out = max(0, self._out - end)
        return shown


def until(pieces: Pieces, stop: Sequence[str], begun: str = "") -> Pieces:
    """A draft up to the first stop string, for a model that does not stop there itself; one may begin in what the draft
    was `begun` with."""
    stops = Stops(stop, begun)
    with closing(pieces):
        for piece in pieces:
            text = stops.feed(piece.text) + (stops.rest() if piece.finish else "")
            yield replace(piece, text=text, finish="stop" if stops.stopped else piece.finish)
            if stops.stopped:
                return
        if rest := stops.rest():
            yield Piece(rest)


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)

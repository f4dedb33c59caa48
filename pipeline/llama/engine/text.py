"""Tokens' bytes as text: whole characters only, and nothing from a stop string on."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from pipeline.drafting import Stops


class TextStream:
    """Text that may be shown, behind what it had `begun` with."""

    def __init__(self, stop: Sequence[str] = (), begun: str = "") -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = Stops(stop, begun)

    @property
    def stopped(self) -> bool:
        return self._stops.stopped

    def feed(self, data: bytes) -> str:
        """The text that these bytes complete, but for what may be the beginning of a stop string."""
        return self._stops.feed(self._decoder.decode(data))

    def rest(self) -> str:
        """What is still held back, at the end."""
        return self._stops.feed(self._decoder.decode(b"", final=True)) + self._stops.rest()

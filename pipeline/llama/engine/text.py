"""Tokens' bytes as text: whole characters only, and nothing from a stop string on."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Text that may be shown. What could be the beginning of a stop string is held back until it is plain."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(filter(None, stop))
        self._held = ""
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """The text that these bytes complete."""
        return self._shown(self._decoder.decode(data))

    def rest(self) -> str:
        """What is still held back, at the end."""
        shown = self._shown(self._decoder.decode(b"", final=True)) + self._held
        self._held = ""
        return shown

    def _shown(self, text: str) -> str:
        if self.stopped:
            return ""
        self._held += text
        found = [(place + len(stop), place) for stop in self._stop if (place := self._held.find(stop)) >= 0]
        if found:  # the one that ends first, as if the text had come letter by letter
            self.stopped = True
            shown, self._held = self._held[: min(found)[1]], ""
            return shown
        kept = max((_overlap(self._held, stop) for stop in self._stop), default=0)
        shown, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return shown


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)

"""When a file was saved, however an editor goes about it: several writes in quick succession are one save."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from pipeline.loop import Clock

POLL = 0.05
"""Seconds between looks. A look is a call or two to the file system: what notifications would save is not worth what
they miss (network folders, containers, files that are replaced)."""
AWAY = 1.0
"""For how long files may be missing or empty before that counts: editors that replace a file take it away for a moment,
and those that write into it truncate it first."""


@dataclass(frozen=True)
class Look:
    """`stamp` is another one when the files have changed; `whole` says that none is missing or empty."""

    stamp: Hashable
    whole: bool = True


class Saves:
    """Looks whether there was a save since it was made, or since the last one that it told of."""

    def __init__(self, look: Callable[[], Look], *, clock: Clock = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._taken = self._before = look()
        self._since: float | None = None

    def seen(self) -> float | None:
        """Look again. Gives when a save was first seen, by the clock, once it has come to rest: when two looks saw the
        same and all is whole, or what is not stays so."""
        now, at = self._look(), self._clock()
        if now == self._taken:
            self._since = None
        elif self._since is None:
            self._since = at
        still, self._before = now == self._before, now
        since = self._since
        if since is None or not still or not (now.whole or at - since >= AWAY):
            return None
        self._taken, self._since = now, None
        return since

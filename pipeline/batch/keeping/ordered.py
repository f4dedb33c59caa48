"""Records that were kept as they were done, in the order of the input, without holding more than a few of them.

While a record is not done, none is begun that comes `AHEAD` places after it. So each stands in the journal at most that
many lines from where it would stand in order, and a heap of that size puts them right.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from pipeline.batch.keeping.entry import Entry

AHEAD = 1024
"""Places. Part of the journal's format: a smaller one could not read what was written under a greater."""


def ordered(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries by their position."""
    heap: list[Entry] = []
    for entry in entries:
        heapq.heappush(heap, entry)
        if len(heap) > AHEAD:
            yield heapq.heappop(heap)
    while heap:
        yield heapq.heappop(heap)


class Done:
    """Which positions are done: all below one, and some up to `AHEAD` above it."""

    def __init__(self) -> None:
        self._below = 0
        self._above: set[int] = set()

    def __contains__(self, position: int) -> bool:
        return position < self._below or position in self._above

    def __len__(self) -> int:
        return self._below + len(self._above)

    @property
    def first_open(self) -> int:
        """The lowest position that is not done."""
        return self._below

    def add(self, position: int) -> None:
        self._above.add(position)
        while self._below in self._above:
            self._above.remove(self._below)
            self._below += 1

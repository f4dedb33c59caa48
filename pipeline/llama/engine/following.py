"""Reading along while a draft is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from pipeline.llama.engine.requests import Adapters, Ahead


class Following:
    """For as long as it is entered, what is to be asked about soon is read ahead with `read`, which does not wait.

    It is not `wanted` where others follow drafts at the same time, `everybody`: each would drive out of the cache
    what another has read. Nor is it while there is no core for it: by the time there is, more will be there to read.
    """

    def __init__(self, read: Callable[[Ahead], None], everybody: set[Following], spared: Callable[[], bool]) -> None:
        self._read = read
        self._spared = spared
        self._everybody = everybody
        self._unwanted = threading.Event()

    def __enter__(self) -> Self:
        self._everybody.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._everybody.discard(self)
        self._unwanted.set()

    @property
    def wanted(self) -> bool:
        """Whether it would be read now."""
        return len(self._everybody) == 1 and self._spared()

    def read(self, prompt: tuple[int, ...], *, pinned: int, adapters: Adapters) -> None:
        """Raises as `Engine.read_ahead` does."""
        self._read(Ahead(prompt, self._unwanted, pinned, adapters))

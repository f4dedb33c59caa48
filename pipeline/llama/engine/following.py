"""Reading along while a draft is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from pipeline.llama.engine.requests import Adapters, Ahead


class Following:
    """For as long as it is entered, what is to be asked about soon is read ahead with `read`, which does not wait.

    It is not `wanted` where others follow drafts at the same time, `everybody`: each would drive out of the cache
    what another has read. Nor is it while it would have to wait: by the time it has not, more will be there to read.
    """

    def __init__(self, read: Callable[[Ahead], bool], everybody: set[Following], at_once: Callable[[], bool]) -> None:
        self._read = read
        self._at_once = at_once
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
        return len(self._everybody) == 1 and self._at_once()

    def read(self, prompt: tuple[int, ...], *, pinned: int, adapters: Adapters) -> bool:
        """Raises as `Engine.read_ahead` does."""
        return self._read(Ahead(prompt, self._unwanted, pinned, adapters))

"""Reading along while a draft is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from pipeline.llama.engine.requests import Adapters, Ahead


class Following:
    """For as long as it is entered, what is to be asked about soon is read ahead with `read`, which does not wait.

    Nothing is read where others follow drafts at the same time, `everybody`: each would drive out of the cache
    what another has read.
    """

    def __init__(self, read: Callable[[Ahead], None], everybody: set[Following]) -> None:
        self._read = read
        self._everybody = everybody
        self._unwanted = threading.Event()

    def __enter__(self) -> Self:
        self._everybody.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._everybody.discard(self)
        self._unwanted.set()

    @property
    def alone(self) -> bool:
        """Whether nobody else follows a draft by now."""
        return len(self._everybody) == 1

    def read(self, prompt: tuple[int, ...], *, pinned: int, adapters: Adapters) -> None:
        """Raises as `Engine.read_ahead` does."""
        if self.alone:
            self._read(Ahead(prompt, self._unwanted, pinned, adapters))

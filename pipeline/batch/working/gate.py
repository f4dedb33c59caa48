"""Who waits while somebody must be alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Many threads are within at a time, or one that wants to be alone: nobody comes in before that one has been."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._within = 0
        self._wanting = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Be within beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._wanting)
            self._within += 1
        try:
            yield
        finally:
            self._left()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one within. Several that want to be come one after another."""
        with self._changed:
            self._wanting += 1
            self._changed.wait_for(lambda: not self._within)
            self._within += 1
        try:
            yield
        finally:
            self._left(wanting=1)

    def _left(self, wanting: int = 0) -> None:
        with self._changed:
            self._within -= 1
            self._wanting -= wanting
            self._changed.notify_all()

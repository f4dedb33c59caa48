"""Which records have ended their workers: one that dies takes several down with it, and one is to blame at most."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from pipeline.batch.task import Task

TRIES = 3
"""Workers that a record may end while it is alone with them."""


class Trials:
    """The tasks that were under way on workers that died. Each is tried again by itself, so that whatever happens then
    is its own doing: what ends its worker again and again is a fault, and the others are done."""

    def __init__(self, tries: int = TRIES) -> None:
        self._tries = tries
        self._waiting: deque[Task] = deque()
        self._deaths: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def lost(self, tasks: Sequence[Task], why: str) -> None:
        """The worker that had these has died."""
        for task in tasks:
            if len(tasks) == 1:
                self._deaths[task.position] += 1
            convicted = self._deaths[task.position] >= self._tries
            self._waiting.append(_faulted(task, self._tries, why) if convicted else task)

    def take(self) -> Task:
        """The next to be tried."""
        return self._waiting.popleft()

    def drop(self) -> None:
        """Try no more: the next run does."""
        self._waiting.clear()

    def done(self, task: Task) -> None:
        self._deaths.pop(task.position, None)


def _faulted(task: Task, tries: int, why: str) -> Task:
    """The same with its fault in the place of what it asks, which is how a record that cannot be asked is told of."""
    return replace(task, given=replace(task.given, asked=f"it ended {tries} workers, one after another: {why}"))

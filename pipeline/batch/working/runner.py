"""The seam to whatever works on tasks: threads of this process, or actors elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Protocol

from pipeline.batch.keeping import AHEAD
from pipeline.batch.keeping.ordered import Done
from pipeline.batch.task import Record, Task

Results = Generator[tuple[Task, Record], None, None]


LOOK = 0.05
"""Seconds between two looks at whether a task has come."""


class Supply:
    """The tasks that are left, handed out no further ahead of the oldest unfinished one than the journal allows. Once
    `stop` is set, from whichever thread, it is stopped. A task that is `None` is one that has not come yet."""

    def __init__(self, tasks: Iterator[Task | None], done: Done, stop: threading.Event | None = None) -> None:
        self._tasks = tasks
        self._done = done
        self._next: Task | None = None
        self._ended = False
        self._waits = False
        self._stop = stop or threading.Event()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be begun, what was taken included. Any thread may ask."""
        return self._stopped or self._stop.is_set()

    @property
    def waits(self) -> bool:
        """Whether the next task may come, and had not when it was last asked for."""
        return self._waits and not self.stopped

    def take(self) -> Task | None:
        """The next task; `None` where there are none left, or none yet, or none before others are done."""
        self._waits = False
        if self._next is None and not (self._ended or self.stopped):
            try:
                self._next = next(self._tasks)
                self._waits = self._next is None
            except StopIteration:
                self._ended = True
        task = self._next
        if self.stopped or task is None or task.position >= self._done.first_open + AHEAD:
            return None
        self._next = None
        return task

    def stop(self) -> None:
        """Hand out no more."""
        self._stopped = True


class Runner(Protocol):
    """Work on tasks, several at a time, and give each with what came of it, in any order.

    It takes tasks from the supply as it has room for them, and waits for one of its own where it gets none; each result
    is kept before it is asked for the next. It ends when it gets no task, none is to come, and none is under way. Where
    the supply is stopped, it finishes what it has begun. A model that is gone stops the supply, and its `ModelFault` is
    raised once the rest of what is under way has been given. Closing it leaves what is under way behind.
    """

    @property
    def workers(self) -> int:
        """How many tasks are worked on at a time."""
        ...

    def __call__(self, supply: Supply) -> Results: ...

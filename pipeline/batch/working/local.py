"""Threads of this process: the engine works on all their requests in one batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from pipeline.batch.task import Record, Task
from pipeline.batch.working.answering import Answering, Cancellable
from pipeline.batch.working.reach import Reach
from pipeline.batch.working.runner import LOOK, Results, Supply

THREAD = "answer-batch"
"""What the threads are called; the command line knows by it that an answer was left behind."""


class LocalRunner:
    """`workers` tasks at a time, and as many that wait, so that no worker does."""

    def __init__(self, answering: Answering, *, workers: int = 1) -> None:
        self._answering = answering
        self._workers = workers

    @property
    def workers(self) -> int:
        return self._workers

    def __call__(self, supply: Supply) -> Results:
        crew = _Crew(self._answering, self._workers, supply)
        under_way, failed = 0, None
        try:
            while True:
                while under_way < 2 * self._workers and (task := supply.take()) is not None:
                    crew.todo.put(task)
                    under_way += 1
                if not (under_way or supply.waits):
                    break
                try:
                    task, came = crew.done.get(timeout=LOOK if supply.waits else None)
                except Empty:
                    continue
                under_way -= 1
                if isinstance(came, BaseException):
                    failed = failed or came
                    supply.stop()
                elif came is not None:
                    yield task, came
                if supply.stopped:
                    under_way -= crew.drop()
        finally:
            crew.leave()
        if failed:
            raise failed


class _Crew:
    """Threads that take tasks, and put what came of them, or what broke; nothing, where the supply was stopped before
    one was begun."""

    def __init__(self, answering: Answering, workers: int, supply: Supply) -> None:
        self.todo: SimpleQueue[Task | None] = SimpleQueue()
        self.done: SimpleQueue[tuple[Task, Record | BaseException | None]] = SimpleQueue()
        self._answering = answering
        self._supply = supply
        self._reach = Reach()
        self._asked: set[Cancellable] = set()
        self._lock = threading.Lock()
        self._left = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{THREAD}-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def drop(self) -> int:
        """Take back what nobody has begun; how many tasks that was."""
        dropped = 0
        with suppress(Empty):
            while True:
                dropped += self.todo.get_nowait() is not None
        return dropped

    def leave(self) -> None:
        """Cancel what is still under way, and let the threads end. Those that are idle are waited for."""
        self.drop()
        with self._lock:
            self._left = True
            busy = len(self._asked)
            for each in self._asked:
                each.cancel()
        for _ in self._threads:
            self.todo.put(None)
        for thread in () if busy else self._threads:
            thread.join()

    def _work(self) -> None:
        while (task := self.todo.get()) is not None:
            try:
                record = self._reach(self._answering, task, held=self._held, stopped=lambda: self._supply.stopped)
                self.done.put((task, record))
            except BaseException as exc:  # noqa: BLE001  # raised in the thread that takes the results
                self.done.put((task, exc))
                return  # what comes next would fail as well

    @contextmanager
    def _held(self, asked: Cancellable) -> Iterator[None]:
        with self._lock:
            self._asked.add(asked)
            if self._left:
                asked.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._asked.discard(asked)

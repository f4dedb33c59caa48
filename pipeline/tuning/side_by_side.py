"""The same work for several prompts at a time, given as it is done, and left alone once nobody wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

THREAD = "answer-tune"
"""Of such a thread the command line knows that it need not be waited for in the end."""
_LOOK = 0.02

T = TypeVar("T")
R = TypeVar("R")


class Cancelled(Exception):
    """Nobody wants to know any more."""


def side_by_side(
    work: Callable[[T], R], items: Sequence[T], *, workers: int, stop: threading.Event
) -> Iterator[tuple[T, R]]:
    """Each item with what `work` gives for it, the first done first. Raises what `work` raises, and `Cancelled` once
    `stop` is set: what is under way then ends by itself, in daemon threads, and is not waited for."""
    todo: SimpleQueue[T] = SimpleQueue()
    done: SimpleQueue[tuple[T, R] | BaseException] = SimpleQueue()
    for item in items:
        todo.put(item)

    def serve() -> None:
        try:
            while not stop.is_set():
                item = todo.get_nowait()
                done.put((item, work(item)))
        except Empty:
            pass
        except BaseException as exc:  # noqa: BLE001  # handed over to whoever waits
            done.put(exc)

    for _ in range(min(workers, len(items))):
        threading.Thread(target=copy_context().run, args=(serve,), daemon=True, name=THREAD).start()
    for _ in items:
        yield _next(done, stop)


def in_turn(done: Iterable[tuple[T, R]], items: Sequence[T]) -> Iterator[tuple[T, R]]:
    """What is done, each as soon as it is and all before it are."""
    waiting = list(items)
    there: dict[T, R] = {}
    for item, result in done:
        there[item] = result
        while waiting and waiting[0] in there:
            yield waiting[0], there[waiting.pop(0)]


def _next(done: SimpleQueue[tuple[T, R] | BaseException], stop: threading.Event) -> tuple[T, R]:
    while True:
        if stop.is_set():
            raise Cancelled
        try:
            given = done.get(timeout=_LOOK)
        except Empty:
            continue
        if isinstance(given, BaseException):
            raise given
        if stop.is_set():  # what came meanwhile may be half of it
            raise Cancelled
        return given

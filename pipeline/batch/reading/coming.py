"""What an iterator gives, without waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")

_MOST = 64
"""Items that are held ready."""
_LOOK = 0.1
"""Seconds between two looks at whether anybody still takes them."""


def coming(items: Iterator[T], over: threading.Event) -> Generator[T | None]:
    """The items, taken in a thread of its own; `None` where the next one is not there yet. What they raise is raised.

    Closing it sets `over`, at which whoever gives the items should end, and waits for that.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(_MOST)

    def put(what: tuple[T] | BaseException | None) -> None:
        while not over.is_set():
            with suppress(Full):
                queue.put(what, timeout=_LOOK)
                return

    def work() -> None:
        try:
            for item in items:
                put((item,))
                if over.is_set():
                    return
            put(None)
        except BaseException as exc:  # noqa: BLE001  # raised where the items are taken
            put(exc)

    thread = threading.Thread(target=work, daemon=True, name="batch-input")
    thread.start()
    try:
        while True:
            try:
                what = queue.get_nowait()
            except Empty:
                yield None
                continue
            if what is None:
                return
            if isinstance(what, BaseException):
                raise what
            yield what[0]
    finally:
        over.set()
        thread.join()

"""Ctrl-C, and the signal that ends a service: the first one asks to stop, the second one stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.cli.terminal.reporting import say


@contextmanager
def asked_to_stop(say: Callable[[str], None] = say) -> Iterator[threading.Event]:
    """An event that is set at the first signal, which is told; the second raises `KeyboardInterrupt`."""
    stop = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say("finishing what is under way; once more stops at once, and loses only that")

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Which view it is, and that it is looked at from time to time also where no record comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from pipeline.batch import Began, Event
from pipeline.cli.batch.progress.json_lines import JsonLines
from pipeline.cli.batch.progress.log import Log
from pipeline.cli.batch.progress.logged import logged
from pipeline.cli.batch.progress.terminal import Terminal
from pipeline.cli.terminal.reporting import say, stderr
from pipeline.errors import BadInput

LOG_SECONDS, JSON_SECONDS = 30.0, 2.0


class View(Protocol):
    """An observer of a batch, and where notes go meanwhile. Called from one thread, a signal's handler included."""

    def __call__(self, event: Event) -> None: ...

    def say(self, text: str) -> None: ...


class Quiet:
    """Shows no progress, and says what must be said."""

    def __call__(self, event: Event) -> None:
        pass

    def say(self, text: str) -> None:
        say(text)


@contextmanager
def shown(*, quiet: bool = False, as_json: bool = False) -> Iterator[View]:
    """A view of what it is told, and of what the log tells. Raises `BadInput` for two that exclude each other."""
    if quiet and as_json:
        raise BadInput("either --quiet or --json-progress")
    with _chosen(quiet=quiet, as_json=as_json) as view, logged(view.say):
        yield _noting(view)


@contextmanager
def _chosen(*, quiet: bool, as_json: bool) -> Iterator[View]:
    console = stderr()
    if as_json:
        lines = JsonLines()
        with _every(JSON_SECONDS, lines.tick):
            yield lines
    elif quiet:
        yield Quiet()
    elif console.is_terminal:
        with Terminal(console) as terminal:
            yield terminal
    else:
        log = Log()
        with _every(LOG_SECONDS, log.tick):
            yield log


class _noting:  # reads as what it does
    """Says beforehand what the journal had lost, in whichever view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.say = view.say

    def __call__(self, event: Event) -> None:
        if isinstance(event, Began) and event.cut:
            self.say(f"note: the last {event.cut} bytes of the journal were not whole; what stood there is done again")
        self._view(event)


@contextmanager
def _every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call it from a thread of its own, until it is left. A stream that nobody reads any more ends the calls only."""
    over = threading.Event()

    def ticking() -> None:
        with suppress(OSError, ValueError):
            while not over.wait(seconds):
                call()

    thread = threading.Thread(target=ticking, name="batch-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

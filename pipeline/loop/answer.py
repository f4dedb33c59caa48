"""One answer under way: what may be shown of it, as soon as it may."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Self

from pipeline.loop.outcome import Outcome

Parts = Generator[str, None, Outcome]
"""A run of the loop: it gives what may be shown, and ends with the outcome."""


class Answer:
    """Iterate over it, once, for the parts that may be shown; `outcome` is there afterwards.

    The work is done in the thread that iterates, which waits for generator and critics in theirs. Raises there what the
    loop raises, which is nothing that a model or a critic does.
    """

    def __init__(self, parts: Parts, cancelled: threading.Event) -> None:
        self._parts = parts
        self._cancelled = cancelled
        self._working = threading.Lock()
        self._worker: int | None = None
        self._outcome: Outcome | None = None
        self.shown = ""
        """What was given out so far. Nothing takes it back, not even an outcome that withholds the rest."""

    def __iter__(self) -> Iterator[str]:
        while (part := self._next()) is not None:
            yield part

    @property
    def outcome(self) -> Outcome:
        """What came of it. Raises `RuntimeError` before the end."""
        if self._outcome is None:
            raise RuntimeError("the answer has not ended: iterate over it to its end, or close it")
        return self._outcome

    def cancel(self) -> None:
        """Show nothing more, and stop the work: whatever drafts or judges is told, and not waited for. From any thread.
        An answer that has ended is not changed by it."""
        self._cancelled.set()

    def close(self) -> None:
        """Cancel, and wait for the end; from within the work, as an observer is, there is nothing to wait for."""
        self.cancel()
        while self._worker != threading.get_ident() and self._next() is not None:
            pass

    def ended(self) -> Outcome:
        """Go to the end without looking at the parts, and give the outcome."""
        while self._next() is not None:
            pass
        return self.outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> str | None:
        """One part more, or `None` at the end."""
        with self._working:
            self._worker = threading.get_ident()
            try:
                part = next(self._parts)
            except StopIteration as stop:
                # A run that has ended, also by an exception, gives no outcome a second time.
                self._outcome = self._outcome or stop.value
                return None
            finally:
                self._worker = None
            self.shown += part
            return part

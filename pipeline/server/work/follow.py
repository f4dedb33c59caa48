"""Answers that run in threads, followed from the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from pipeline.loop import Answer, Outcome
from pipeline.server import faults

Start = Callable[[], AbstractContextManager[Answer]]
"""Called in a thread of the pool; whoever leaves the context closes the answer."""


@dataclass(frozen=True)
class Part:
    """More of an answer that may be shown."""

    choice: int
    text: str


@dataclass(frozen=True)
class Ended:
    """An answer is there. `shown` is what was given out in parts, `first` the seconds until the first of them."""

    choice: int
    outcome: Outcome
    shown: str
    first: float | None


@dataclass(frozen=True)
class Failed:
    """Its thread raised."""

    choice: int
    error: Exception


Event = Part | Ended | Failed


class Following:
    """The answers to one request. Made, read and cancelled on the event loop; `work` runs in a thread.

    `ended` is told of each answer on the event loop, also of one that nobody follows any more.
    """

    def __init__(self, starts: Sequence[Start], *, deadline: float, ended: Callable[[Ended], None]) -> None:
        self._starts = starts
        self._ended = ended
        self._began = time.monotonic()
        self._seconds = deadline
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._cancelled = False
        self._reason: Exception | None = None
        self._give_up: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._starts)

    async def next(self, patience: float | None = None) -> Event | None:
        """What comes next, or `None` if nothing does within `patience` seconds. Raises `ApiError` past the deadline."""
        left = self._began + self._seconds - time.monotonic()
        if left <= 0:
            raise self._late()
        try:
            async with asyncio.timeout(left if patience is None else min(patience, left)):
                return await self._events.get()
        except TimeoutError:
            if patience is None or patience >= left:
                raise self._late() from None
            return None

    def when_cancelled(self, call: Callable[[], None]) -> None:
        """`call` drops what has not begun."""
        self._give_up = call

    def cancel(self, reason: Exception | None = None) -> None:
        """Stop the work, within a token. Whoever still follows is given `reason`, where there is one."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled, self._reason = True, reason
            answers = list(self._answers)
        for answer in answers:
            answer.cancel()
        self._give_up()
        if reason:
            for choice in range(len(self._starts)):
                self._events.put_nowait(Failed(choice, reason))

    def work(self, choice: int) -> None:
        """Run one answer to its end. Never raises."""
        try:
            self._run(choice, self._starts[choice])
        except Exception as exc:  # noqa: BLE001  # the event loop raises it, or knows what to say instead
            self._tell(Failed(choice, exc))

    def _run(self, choice: int, start: Start) -> None:
        if self._cancelled:
            return
        first: float | None = None
        with start() as answer:
            self._take(answer)
            for text in answer:
                first = time.monotonic() - self._began if first is None else first
                self._tell(Part(choice, text))
            if first is None and answer.outcome.calls:
                first = time.monotonic() - self._began
            self._tell(Ended(choice, answer.outcome, answer.shown, first))

    def _take(self, answer: Answer) -> None:
        with self._lock:
            self._answers.append(answer)
            cancelled = self._cancelled
        if cancelled:
            answer.cancel()

    def _tell(self, event: Event) -> None:
        self.on_loop(lambda: self._take_down(event))

    def _take_down(self, event: Event) -> None:
        if not self._reason:
            self._events.put_nowait(event)
        if isinstance(event, Ended):  # in one step, so that it is on record before whoever follows can go on
            self._ended(event)

    def on_loop(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody follows any more
            self._loop.call_soon_threadsafe(call)

    def _late(self) -> Exception:
        self.cancel()
        return faults.too_late(self._seconds)

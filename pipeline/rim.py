"""Where async meets the pipeline, which is synchronous: one thread for one call, and none is left behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import Any, Self, TypeVar

from pipeline.loop import Answer, Outcome

T = TypeVar("T")


async def in_thread(call: Callable[[], T], *, cancel: Callable[[], None] | None) -> T:
    """What `call` gives, in a thread and a copy of the context of its own, so that it never waits for a free one.

    Where whoever waits is cancelled, `cancel` is called, and must make `call` end soon: that is waited for. Where
    nothing can, it is `None`, and `call` comes to its end behind.
    """
    result: concurrent.futures.Future[T] = concurrent.futures.Future()
    context = copy_context()

    def work() -> None:
        try:
            result.set_result(context.run(call))
        except BaseException as exc:  # noqa: BLE001  # handed over to whoever waits
            result.set_exception(exc)

    threading.Thread(target=work, daemon=True, name="superego-call").start()
    waited = asyncio.wrap_future(result)
    try:
        return await asyncio.shield(waited)
    except asyncio.CancelledError:
        waited.add_done_callback(_seen)
        if cancel is not None and not waited.done():
            cancel()
            await asyncio.wait([waited])
        raise


def _seen(waited: asyncio.Future[Any]) -> None:
    """Whoever would have been told of a fault has left."""
    if not waited.cancelled():
        waited.exception()


class Back:
    """The way back from such a thread to the event loop that waits for it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._pending: concurrent.futures.Future[Any] | None = None
        self._answers: list[Answer] = []
        self._cancelled = False

    def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the coroutine that `call` makes gives. Raises `concurrent.futures.CancelledError` once cancelled."""

        async def made() -> T:
            return await call()

        with self._lock:
            if self._cancelled:
                raise concurrent.futures.CancelledError
            future = asyncio.run_coroutine_threadsafe(made(), self._loop)
            self._pending = future
        return future.result()

    def began(self, answer: Answer) -> None:
        """What is worked on here: it is cancelled as well, and nothing that drafts or judges for it is waited for."""
        with self._lock:
            self._answers.append(answer)
            if self._cancelled:
                answer.cancel()

    def cancel(self) -> None:
        """From the event loop: end what runs, and let nothing more begin."""
        with self._lock:
            self._cancelled = True
            if self._pending is not None:
                self._pending.cancel()
            for answer in self._answers:
                answer.cancel()


class AsyncAnswer:
    """An answer of which each part is waited for in a thread."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[str]:
        following = partial(next, iter(self._answer), None)
        try:
            while (part := await in_thread(following, cancel=self._answer.cancel)) is not None:
                yield part
        finally:  # also where the consumer leaves
            await self.aclose()

    @property
    def outcome(self) -> Outcome:
        """What came of it. Raises `RuntimeError` before the end."""
        return self._answer.outcome

    @property
    def shown(self) -> str:
        """What was given out so far."""
        return self._answer.shown

    def cancel(self) -> None:
        """Show nothing more, and stop the work."""
        self._answer.cancel()

    async def aclose(self) -> None:
        """Cancel, and wait for the end."""
        self._answer.cancel()
        await in_thread(self._answer.close, cancel=self._answer.cancel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def ended(answer: Answer) -> Outcome:
    """The outcome of an answer, without looking at its parts."""
    return await in_thread(answer.ended, cancel=answer.cancel)

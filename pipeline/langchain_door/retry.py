"""Calls that failed are repeated here, and nowhere else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import stamina

from pipeline.errors import ModelFault, ModelUnavailable

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a call is tried in all, and for how many seconds in all, waits included.

    The first wait is drawn from half of `wait` to `wait` seconds; the range doubles each time up to `longest_wait`.
    """

    attempts: int
    timeout: float
    wait: float = 0.5
    longest_wait: float = 8.0

    def within(self, seconds: float | None) -> Retries:
        """The same, but in so many seconds at most, if there is a bound."""
        # None at all is no bound to stamina.
        return self if seconds is None else replace(self, timeout=max(min(self.timeout, seconds), 0.001))


def retried(call: Callable[[], T], retries: Retries) -> T:
    """Call until it succeeds, a fault is not worth retrying, or attempts or time are spent.

    Waits as long as the server asked, where that is longer than the own wait; where it does not fit into the time
    left, gives up at once. The last fault is let through, and says how often the call was tried.
    """
    tried = 0
    try:
        # The waits are all ours: stamina takes one from the hook instead of its own, and cannot take the longer of two.
        for attempt in stamina.retry_context(_waits(retries), attempts=retries.attempts, timeout=retries.timeout):
            with attempt:
                tried = attempt.num
                return call()
    except ModelUnavailable as fault:
        fault.args = (f"{fault} (tried {tried} {'time' if tried == 1 else 'times'})",)
        raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def retried_stream(start: Callable[[], Generator[T]], retries: Retries) -> Generator[T]:
    """Like `retried`, up to the first item; later faults propagate, for what was handed out cannot be taken back."""
    stream, first = retried(lambda: _opened(start), retries)
    with closing(stream):
        yield from first
        yield from stream


def _opened(start: Callable[[], Generator[T]]) -> tuple[Generator[T], list[T]]:
    stream = start()
    for item in stream:
        return stream, [item]
    return stream, []


def _waits(retries: Retries) -> Callable[[Exception], bool | float]:
    deadline = time.monotonic() + retries.timeout
    longest = retries.wait

    def seconds(exc: Exception) -> bool | float:
        nonlocal longest
        if not (isinstance(exc, ModelFault) and exc.retryable):
            return False
        asked = exc.retry_after if isinstance(exc, ModelUnavailable) else None
        wait = max(asked or 0.0, random.uniform(longest / 2, longest))
        longest = min(2 * longest, retries.longest_wait)
        return wait if time.monotonic() + wait < deadline else False

    return seconds

"""Calls that failed are repeated here, and nowhere else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import stamina

from critics import time_left
from pipeline.errors import ModelFault, ModelUnavailable

T = TypeVar("T")

Left = Callable[[], float | None]
"""For how many seconds somebody still waits: 0 when nobody does any more, `None` where nothing limits it."""

_LONGEST_WAIT = 8.0


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a call is tried in all, and within how many seconds of the first one another may begin. It cuts none
    short: how long one may take is the client's own timeout.

    The first wait is drawn from half of `wait` to `wait` seconds; the range doubles each time up to eight seconds.
    """

    attempts: int = 3
    timeout: float = 120.0
    wait: float = 0.5

    def within(self, seconds: float | None) -> Retries:
        """The same, but in so many seconds at most, if there is a bound."""
        # None at all is no bound to stamina.
        return self if seconds is None else replace(self, timeout=max(min(self.timeout, seconds), 0.001))


def retried(call: Callable[[], T], retries: Retries, *, left: Left = time_left) -> T:
    """Call until it succeeds, a fault is not worth retrying, attempts or time are spent, or nobody waits any more.

    Waits as long as the server asked, where that is longer than the own wait; where it does not fit into the time
    left, gives up at once. The last fault is let through, and says how often the call was tried.
    """
    tried, last = 0, None
    retries = retries.within(left())
    try:
        # The waits are all ours: stamina takes one from the hook instead of its own, and cannot take the longer of two.
        for attempt in stamina.retry_context(_waits(retries, left), attempts=retries.attempts, timeout=retries.timeout):
            with attempt:
                if last is not None and left() == 0.0:  # who waited has hung up meanwhile
                    raise last
                tried = attempt.num
                try:
                    return call()
                except ModelUnavailable as fault:
                    last = fault
                    raise
    except ModelUnavailable as fault:
        fault.args = (f"{fault} (tried {tried} {'time' if tried == 1 else 'times'})",)
        raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def retried_stream(start: Callable[[], Generator[T]], retries: Retries, *, left: Left = time_left) -> Generator[T]:
    """Like `retried`, up to the first item; later faults propagate, for what was handed out cannot be taken back."""
    stream, first = retried(lambda: _opened(start), retries, left=left)
    with closing(stream):
        yield from first
        yield from stream


def _opened(start: Callable[[], Generator[T]]) -> tuple[Generator[T], list[T]]:
    stream = start()
    for item in stream:
        return stream, [item]
    return stream, []


def _waits(retries: Retries, left: Left) -> Callable[[Exception], bool | float]:
    deadline = time.monotonic() + retries.timeout
    longest = retries.wait

    def seconds(exc: Exception) -> bool | float:
        nonlocal longest
        if not (isinstance(exc, ModelFault) and exc.retryable) or left() == 0.0:
            return False
        asked = exc.retry_after if isinstance(exc, ModelUnavailable) else None
        wait = max(asked or 0.0, random.uniform(longest / 2, longest))
        longest = min(2 * longest, _LONGEST_WAIT)
        return wait if time.monotonic() + wait < deadline else False

    return seconds

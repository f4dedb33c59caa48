"""What one call has spent of its budget. Made anew for every call, so nothing is shared between callers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from critics import Budget, Usage
from pipeline.loop.outcome import Cost, StopReason

Clock = Callable[[], float]


class Ledger:
    """Counts attempts, tokens and seconds against a budget; the first one spent ends the loop, and so does whoever sets
    `stop`."""

    def __init__(self, budget: Budget, *, clock: Clock = time.monotonic, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self._budget = budget
        self._clock = clock
        self._began = clock()
        self.attempts = 0
        self.generator = Usage()
        self.critic = Usage()

    def begin(self) -> None:
        """Count the seconds from now on: to have waited for a thread, or for whoever reads, is no work."""
        self._began = self._clock()

    @property
    def seconds(self) -> float:
        return self._clock() - self._began

    @property
    def tokens_left(self) -> int | None:
        """Tokens still to be read or written, or `None` without a bound."""
        if self._budget.tokens is None:
            return None
        return max(0, self._budget.tokens - self.generator.total - self.critic.total)

    @property
    def seconds_left(self) -> float | None:
        """Seconds of the budget that are left, or `None` without a bound."""
        return None if self._budget.seconds is None else max(0.0, self._budget.seconds - self.seconds)

    def spent(self) -> StopReason | None:
        """Which part of the budget is used up, if any."""
        if not self.stop.is_set() and self.attempts >= self._budget.attempts:
            return "attempts"
        return self.cut()

    def cut(self) -> StopReason | None:
        """Whether work under way must stop: nobody wants it any more, or there are no tokens or no time left."""
        if self.stop.is_set():
            return "cancelled"
        if self.tokens_left == 0:
            return "tokens"
        if self._budget.seconds is not None and self.seconds >= self._budget.seconds:
            return "seconds"
        return None

    def cost(self) -> Cost:
        return Cost(self.generator, self.critic, self.seconds)

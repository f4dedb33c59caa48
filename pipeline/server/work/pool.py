"""A bounded number of threads with a bounded queue before them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from critics import left_behind
from pipeline.server import faults
from pipeline.server.work.follow import Ended, Following, Start

T = TypeVar("T")

_LOOK = 1.5
"""Seconds after an answer's end until it is plain whether anything of it was left behind."""

log = logging.getLogger("superego.server")


class Work:
    """Takes work from the event loop, on which all its numbers live, and refuses what would wait too long.

    `taken` counts everything that is under way or waits; `places` is how much that may be. A place is given back as
    soon as nobody waits for what it holds; a draft or a critic that does not stop then is left behind in a thread of
    its own. As long as there are as many of those as places, nothing is taken: they cost memory, and whoever never
    answered will hardly answer now. Once `end` was called nothing more is taken.
    """

    def __init__(self, *, threads: int, waiting: int, deadline: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="answer")
        self._threads = threads
        self.places = threads + waiting
        self._deadline = deadline
        self._followed: set[Following] = set()
        self._called: set[asyncio.Future[None]] = set()
        self._ending = False
        self._told = 0
        """How many the log says were left behind."""
        self.taken = 0

    @property
    def waiting(self) -> int:
        return max(0, self.taken - self._threads)

    @property
    def running(self) -> int:
        return min(self.taken, self._threads)

    @property
    def stuck(self) -> bool:
        return left_behind() >= self.places

    @property
    def ending(self) -> bool:
        return self._ending

    def follow(self, starts: Sequence[Start], ended: Callable[[Ended], None]) -> Following:
        """Begin answers, each in a thread as one gets free; `ended` is told of each, whoever waits for it or does not.

        Raises `ApiError` where there is no room for all.
        """
        self._admit(len(starts))
        following = Following(starts, deadline=self._deadline, ended=ended)
        self._followed.add(following)
        left = len(starts)

        def done() -> None:
            nonlocal left
            left -= 1
            self._less(1)
            if not left:
                self._followed.discard(following)

        def work(choice: int) -> None:
            following.work(choice)
            following.on_loop(done)

        futures = [self._pool.submit(work, choice) for choice in range(len(starts))]

        def give_up() -> None:
            """What has not begun makes room at once."""
            for future in futures:
                if future.cancel():
                    done()

        following.when_cancelled(give_up)
        return following

    async def run(self, call: Callable[[], T]) -> T:
        """What a blocking call gives. Raises `ApiError` where there is no room, no answer in time, or an end before."""
        self._admit(1)
        loop = asyncio.get_running_loop()
        future = self._pool.submit(call)
        future.add_done_callback(lambda _: self._left(loop))
        called, given_up = asyncio.wrap_future(future), loop.create_future()
        self._called.add(given_up)
        try:
            await asyncio.wait((called, given_up), timeout=self._deadline, return_when=asyncio.FIRST_COMPLETED)
            if called.done():
                return called.result()
            raise faults.ending() if given_up.done() else faults.too_late(self._deadline)
        finally:
            self._called.discard(given_up)
            called.cancel()  # what has not begun makes room

    async def end(self, grace: float, at_once: Callable[[], bool] = lambda: False) -> None:
        """Take nothing more; let what is under way finish within `grace` seconds, then cancel it."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self.taken and not at_once():
                    await asyncio.sleep(0.02)
        self._give_up()

    def close(self) -> None:
        self._ending = True
        self._give_up()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _give_up(self) -> None:
        """Whoever still waits is told that it ends."""
        for following in list(self._followed):
            following.cancel(faults.ending())
        for given_up in self._called:
            if not given_up.done():
                given_up.set_result(None)

    def _admit(self, count: int) -> None:
        if self._ending:
            raise faults.ending()
        if self.stuck:
            raise faults.stuck()
        if self.taken + count > self.places:
            raise faults.full()
        self.taken += count

    def _left(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(partial(self._less, 1))

    def _less(self, count: int) -> None:
        self.taken -= count
        asyncio.get_running_loop().call_later(_LOOK, self._tell_left)

    def _tell_left(self) -> None:
        """Say so in the log, once for each number."""
        left, told = left_behind(), self._told
        self._told = left
        if left > told:
            log.warning(json.dumps({"event": "left_behind", "threads": left, "at_most": self.places}))

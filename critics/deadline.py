"""A limit on how long a critic may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar, copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

from critics.behind import leave_behind
from critics.critic import Critic
from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Rule

THREAD = "critic"
"""The name of the threads that critics work in; one may be left behind."""

T = TypeVar("T")

_LOOK = 0.05
"""Seconds between two looks at whether anybody still waits."""

_DEADLINE: ContextVar[float | None] = ContextVar("critics-deadline", default=None)
"""When the critic that runs here must be done, by `time.monotonic`."""

_STOP: ContextVar[threading.Event | None] = ContextVar("critics-stop", default=None)
"""Set once nobody wants to know any more."""


def time_left() -> float | None:
    """Seconds that the critic running here still has, 0 when they are over; `None` where nothing limits it.

    Nobody waits for a critic whose time is over, so it should stop: a model passes this on as its request's timeout,
    and looks again while it waits, since the caller may hang up at any moment.
    A thread that the critic starts itself sees no limit unless it runs in a copy of the context.
    """
    stop = _STOP.get()
    if stop is not None and stop.is_set():
        return 0.0
    deadline = _DEADLINE.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def within(
    seconds: float | None,
    critic: Critic,
    exchange: Exchange,
    rules: Sequence[Rule],
    *,
    stop: threading.Event | None = None,
) -> list[Finding]:
    """What the critic says within `seconds`, and before `stop` is set; without either it works in the caller's thread.

    Inside another `within` the earlier limit holds. Raises `TimeoutError` and leaves the critic behind in a daemon
    thread, since nothing can stop it from outside; from inside, `time_left` tells it to stop.
    """
    if seconds is None and stop is None:
        return list(critic(exchange, rules))
    left = time_left()
    if seconds is not None:
        seconds = max(0.0, min(seconds, threading.TIMEOUT_MAX if left is None else left))
    context = copy_context()
    context.run(_limit, seconds, stop)
    answers: SimpleQueue[list[Finding] | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(list(critic(exchange, rules)))
        except BaseException as exc:  # noqa: BLE001  # handed over to the caller's thread, which raises it
            answers.put(exc)

    # A new thread begins with an empty context; a copy keeps what the caller set, and what is set here.
    thread = threading.Thread(target=context.copy().run, args=(work,), daemon=True, name=THREAD)
    thread.start()
    answer = context.run(_heard, answers)
    if answer is None:
        leave_behind(thread)
    if answer is None or (isinstance(answer, Exception) and context.run(time_left) == 0.0):  # its way to stop, maybe
        late = seconds is not None and not (stop and stop.is_set())
        raise TimeoutError(f"no finding within {seconds:.3g} s" if late else "nobody waits for it any more") from answer
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, BaseException):  # a critic that asks the process to exit has judged nothing either
        raise RuntimeError(f"the critic raised {type(answer).__name__}") from answer
    return answer


def _limit(seconds: float | None, stop: threading.Event | None) -> None:
    if stop is not None:
        _STOP.set(stop)
    if seconds is not None:
        _DEADLINE.set(time.monotonic() + seconds)


def _heard(answers: SimpleQueue[T]) -> T | None:
    """What comes, or `None` once no time is left to wait for it."""
    while (left := time_left()) != 0.0:
        try:
            return answers.get(timeout=_LOOK if left is None else min(_LOOK, left))
        except Empty:
            continue
    return None

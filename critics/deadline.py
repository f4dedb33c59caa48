"""A limit on how long a critic may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar, copy_context
from queue import Empty, SimpleQueue

from critics.critic import Critic
from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Rule

THREAD = "critic"
"""The name of the threads that critics work in; one may be left behind."""

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
    """What the critic says within `seconds`; `None` sets no limit of its own and works in the caller's own thread.

    Inside another `within` the earlier limit holds. Raises `TimeoutError` and leaves the critic behind in a daemon
    thread, since nothing can stop it from outside; from inside, `time_left` tells it to stop. Once `stop` is set, no
    time is left.
    """
    if stop is not None:
        return copy_context().run(_stoppable, stop, seconds, critic, exchange, rules)
    if seconds is None:
        return list(critic(exchange, rules))
    left = time_left()
    seconds = max(0.0, min(seconds, threading.TIMEOUT_MAX if left is None else left))
    deadline = time.monotonic() + seconds
    answers: SimpleQueue[list[Finding] | BaseException] = SimpleQueue()

    def work() -> None:
        _DEADLINE.set(deadline)
        try:
            answers.put(list(critic(exchange, rules)))
        except BaseException as exc:  # noqa: BLE001  # handed over to the caller's thread, which raises it
            answers.put(exc)

    # A new thread begins with an empty context; a copy keeps what the caller set, and takes what is set here.
    threading.Thread(target=copy_context().run, args=(work,), daemon=True, name=THREAD).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no finding within {seconds:.3g} s") from None
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, BaseException):  # a critic that asks the process to exit has judged nothing either
        raise RuntimeError(f"the critic raised {type(answer).__name__}") from answer
    return answer


def _stoppable(
    stop: threading.Event, seconds: float | None, critic: Critic, exchange: Exchange, rules: Sequence[Rule]
) -> list[Finding]:
    _STOP.set(stop)
    return within(seconds, critic, exchange, rules)

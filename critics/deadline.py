"""A limit on how long a critic may take."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from critics.critic import Critic
from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Rule

THREAD = "critic"
"""The name of the threads that critics work in; one may be left behind."""


def within(seconds: float | None, critic: Critic, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    """What the critic says within `seconds`; `None` waits for ever, in the caller's own thread.

    Raises `TimeoutError` and leaves the critic behind in a daemon thread, since nothing can stop it from outside.
    """
    if seconds is None:
        return list(critic(exchange, rules))
    answers: SimpleQueue[list[Finding] | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(list(critic(exchange, rules)))
        except BaseException as exc:  # noqa: BLE001  # handed over to the caller's thread, which raises it
            answers.put(exc)

    threading.Thread(target=work, daemon=True, name=THREAD).start()
    try:
        answer = answers.get(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
    except Empty:
        raise TimeoutError(f"no finding within {seconds:.3g} s") from None
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, BaseException):  # a critic that asks the process to exit has judged nothing either
        raise RuntimeError(f"the critic raised {type(answer).__name__}") from answer
    return answer

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from critics import Exchange, Finding, Message, Panel, Rule, behind, left_behind, time_left, within

EXCHANGE = Exchange((Message("user", "hello"),), "hi")
RULE = Rule(id="a", statement="A.", critics=("one",))


class Clock:
    """A critic that notes how long it still has."""

    def __init__(self) -> None:
        self.left: list[float | None] = []

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        self.left.append(time_left())
        return [Finding(rule.id, "one", 0.0) for rule in rules]


class Nested:
    """A critic that gives another one `seconds`."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.clock = Clock()

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return within(self.seconds, self.clock, exchange, rules)

    def left_within(self, seconds: float | None) -> float | None:
        within(seconds, self, EXCHANGE, [RULE])
        return self.clock.left[0]


def test_a_critic_knows_how_long_it_has() -> None:
    """What is left is what was given, less what has passed."""
    clock = Clock()
    within(100, clock, EXCHANGE, [RULE])
    (left,) = clock.left
    assert left is not None
    assert 90 < left <= 100


def test_without_a_limit_there_is_none() -> None:
    """Neither outside of a critic nor in one that may take for ever."""
    clock = Clock()
    within(None, clock, EXCHANGE, [RULE])
    assert clock.left == [None]
    assert time_left() is None


@pytest.mark.parametrize(
    ("outer", "inner", "left"), [(100, 50, 50), (50, 100, 50), (50, None, 50), (None, 50, 50), (None, None, None)]
)
def test_the_earlier_limit_holds(outer: float | None, inner: float | None, left: float | None) -> None:
    """A critic inside a critic has no longer than both allow; `None` keeps the limit that is there."""
    found = Nested(inner).left_within(outer)
    if left is None:
        assert found is None
    else:
        assert found is not None
        assert left - 10 < found <= left


def test_a_limit_ends_with_what_it_was_set_for() -> None:
    """The caller goes on without it, and what it starts next has its own."""
    within(50, Clock(), EXCHANGE, [RULE])
    assert time_left() is None
    clock = Clock()
    within(100, clock, EXCHANGE, [RULE])
    assert clock.left[0] is not None
    assert clock.left[0] > 50


def test_a_critic_left_behind_can_tell_and_stop() -> None:
    """Nobody waits for it any longer: it has nothing left, and never less than nothing."""
    stopped = threading.Event()

    def endless(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        while time_left() != 0:
            time.sleep(0.005)
        stopped.set()
        time.sleep(0.5)  # or it could answer at the very end
        return []

    with pytest.raises(TimeoutError):
        within(0.05, endless, EXCHANGE, [RULE])
    assert stopped.wait(5)


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_a_critic_is_left_behind_once_nobody_waits_for_it(seconds: float | None) -> None:
    """With a limit or without one, also inside another critic; it can tell, and stop."""
    stop, told = threading.Event(), threading.Event()

    def silent(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        while time_left() != 0:
            time.sleep(0.005)
        told.set()
        time.sleep(0.5)  # or it could answer at the very end
        return []

    threading.Timer(0.05, stop.set).start()
    with pytest.raises(TimeoutError):
        within(seconds, lambda *asked: within(30, silent, *asked), EXCHANGE, [RULE], stop=stop)
    assert told.wait(5)


def test_a_critic_that_stops_with_a_fault_when_its_time_is_up_is_late() -> None:
    """Whichever of the two looks at the clock first."""
    stop = threading.Event()

    def stopping(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        stop.set()
        raise RuntimeError("stopped")

    with pytest.raises(TimeoutError, match="nobody waits"):
        within(60, stopping, EXCHANGE, [RULE], stop=stop)


def test_nobody_waits_longer_than_the_outer_limit() -> None:
    """The thread in between is left behind no longer than it must be."""
    freed, ended = threading.Event(), threading.Event()

    def stuck(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        freed.wait(10)
        return []

    def between(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        try:
            return within(10, stuck, exchange, rules)
        except TimeoutError:
            ended.set()
            raise

    with pytest.raises(TimeoutError):
        within(0.05, between, EXCHANGE, [RULE])
    assert ended.wait(5)
    freed.set()


def test_a_limit_reaches_the_critics_of_a_panel() -> None:
    """The loop's limit holds for every critic, though each works in a thread of its own."""
    clock = Clock()
    within(20, Panel({"one": clock}, seconds=60), EXCHANGE, [RULE])
    assert clock.left[0] is not None
    assert clock.left[0] <= 20


def test_a_critic_sees_its_callers_context() -> None:
    """What else the caller's context holds, a trace for one, is there in the critic's thread too."""
    trace: ContextVar[str] = ContextVar("trace", default="")
    trace.set("mine")
    seen: list[str] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        seen.append(trace.get())
        return []

    within(5, critic, EXCHANGE, [RULE])
    assert seen == ["mine"]


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_more_than_can_be_waited_for_is_as_good_as_for_ever(seconds: float) -> None:
    """What is left is a number that can be handed on as a timeout."""
    clock = Clock()
    within(seconds, clock, EXCHANGE, [RULE])
    (left,) = clock.left
    assert left is not None
    assert math.isfinite(left)
    assert left <= threading.TIMEOUT_MAX


def test_one_that_is_left_behind_is_counted_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """But not as long as it may only not have looked at its time yet."""
    monkeypatch.setattr(behind, "_left", {})
    monkeypatch.setattr(behind, "SOON", 60.0)
    go = threading.Event()

    def silent(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        go.wait(60)
        return []

    with pytest.raises(TimeoutError):
        within(0.01, silent, EXCHANGE, [RULE])
    assert left_behind() == 0
    monkeypatch.setattr(behind, "SOON", 0.0)
    assert left_behind() == 1
    go.set()
    end = time.monotonic() + 5
    while left_behind():
        assert time.monotonic() < end
        time.sleep(0.005)

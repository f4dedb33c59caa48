"""A draft is waited for only as long as somebody wants it, also where its generator says nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from critics import Budget, Exchange, Manifesto, Message, Rule, ScriptedCritic, behind, left_behind
from pipeline import Answer, DraftRequest, Loop, ModelFault, ModelUnavailable, Piece, Pieces
from pipeline.loop.awaited import awaited

BAD = Rule(id="no-bad", statement="Nothing is bad.", advice="Make it good.")
REQUEST = DraftRequest((Message("user", "Write."),), 1)

SOON = 5.0
"""Seconds that are plenty, and less than the silence."""


class Silent:
    """Gives its drafts, a piece each, then says nothing until it is told to go on, and ends in `fault`, if any."""

    name = "silent"
    can_continue = False

    def __init__(self, *drafts: str, fault: ModelFault | None = None, heeds: bool = False) -> None:
        self._drafts = list(drafts)
        self._fault = fault
        self._heeds = heeds
        self.requests: list[DraftRequest] = []
        self.go, self.closed = threading.Event(), threading.Event()

    def __call__(self, request: DraftRequest) -> Pieces:
        self.requests.append(request)
        try:
            if self._drafts:
                yield Piece(self._drafts.pop(0), finish="stop")
                return
            while not self.go.wait(0.005):
                if self._heeds and request.time_left == 0.0:
                    return
            if self._fault:
                raise self._fault
        finally:
            self.closed.set()


class Plain:
    """Drafts as a function does."""

    name = "plain"
    can_continue = False

    def __init__(self, draft: Callable[[DraftRequest], Pieces]) -> None:
        self._draft = draft

    def __call__(self, request: DraftRequest) -> Pieces:
        return self._draft(request)


def answer(
    generator: Any, *, seconds: float | None = 0.2, clock: Callable[[], float] = time.monotonic, **keys: Any
) -> Answer:
    manifesto = Manifesto(name="m", version="1", rules=(BAD,), budget=Budget(seconds=seconds), **keys)
    critic = ScriptedCritic(lambda draft, rule: float("bad" in draft))
    return Loop(generator, critic, manifesto, clock=clock).stream(Exchange((Message("user", "Write."),)))


def took(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_a_silent_generator_cannot_overrun_the_budgets_time() -> None:
    """It is left behind and told to stop, and what was not judged is withheld."""
    silent = Silent(heeds=True)
    held = answer(silent)
    assert 0.2 <= took(held.ended) < SOON
    assert (held.outcome.status, held.outcome.stop_reason, held.outcome.attempts) == ("withheld", "seconds", ())
    assert silent.closed.wait(SOON)
    assert silent.requests[0].time_left == 0.0


def test_what_was_judged_before_may_still_be_the_best() -> None:
    """A second draft that never comes changes nothing about the first."""
    held = answer(Silent("A bad answer."), on_exhausted="best")
    assert (held.ended().stop_reason, held.outcome.answer) == ("seconds", "A bad answer.")


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_cancelling_does_not_wait_for_a_silent_generator(seconds: float | None) -> None:
    """With a budget of time or without one; and it is told to stop."""
    silent = Silent(heeds=True)
    held = answer(silent, seconds=seconds)
    threading.Timer(0.1, held.cancel).start()
    assert took(held.ended) < SOON
    assert (held.outcome.status, held.outcome.stop_reason) == ("withheld", "cancelled")
    assert silent.closed.wait(SOON)


def test_a_fault_that_comes_of_the_time_being_over_is_none() -> None:
    """Such as that of a request which was given just as long as there was."""
    now = [0.0]

    def late(request: DraftRequest) -> Pieces:
        now[0] = 60.0
        raise ModelUnavailable("timed out")
        yield Piece("")

    held = answer(Plain(late), seconds=60.0, clock=lambda: now[0])
    assert (held.ended().status, held.outcome.stop_reason) == ("withheld", "seconds")


def test_a_fault_that_comes_of_cancelling_is_none_either() -> None:
    """A generator that is told to stop has failed at nothing."""
    held: Answer

    def hung_up(request: DraftRequest) -> Pieces:
        yield Piece("Good ")
        held.cancel()
        raise ModelUnavailable("gave up")

    held = answer(Plain(hung_up))
    assert (held.ended().status, held.outcome.stop_reason) == ("withheld", "cancelled")


def test_a_fault_in_time_is_raised_as_it_is() -> None:
    """Out of the thread in which it happened."""
    fault = ModelFault("broken")
    silent = Silent(fault=fault)
    silent.go.set()
    with pytest.raises(ModelFault) as caught:
        list(awaited(silent, REQUEST))
    assert caught.value is fault


def test_no_piece_is_asked_for_before_it_is_wanted() -> None:
    """Each comes when the one before has been looked at, and none after the draft is closed."""
    pulled: list[int] = []
    closed = threading.Event()

    def counting(request: DraftRequest) -> Pieces:
        try:
            for number in range(9):
                pulled.append(number)
                yield Piece(str(number))
        finally:
            closed.set()

    pieces = awaited(Plain(counting), REQUEST)
    assert pulled == []
    assert [next(pieces).text, next(pieces).text] == ["0", "1"]
    time.sleep(0.02)
    assert pulled == [0, 1]
    pieces.close()
    assert closed.is_set()
    assert pulled == [0, 1]


def test_a_generator_sees_its_callers_context() -> None:
    """What the caller's context holds, a trace for one, is there in the generator's thread too."""
    trace: ContextVar[str] = ContextVar("trace", default="")
    trace.set("mine")

    def tracing(request: DraftRequest) -> Pieces:
        yield Piece(trace.get())

    assert [piece.text for piece in awaited(Plain(tracing), REQUEST)] == ["mine"]


def test_a_request_knows_how_long_it_is_waited_for() -> None:
    """Until its deadline, until it is stopped, or for ever."""
    stop = threading.Event()
    assert replace(REQUEST, stop=stop).time_left is None
    left = replace(REQUEST, stop=stop, deadline=time.monotonic() + 60).time_left
    assert left is not None
    assert 50 < left <= 60
    assert replace(REQUEST, deadline=time.monotonic() - 1).time_left == 0.0
    stop.set()
    assert replace(REQUEST, stop=stop).time_left == 0.0


def test_a_draft_that_is_left_behind_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as its generator is silent."""
    monkeypatch.setattr(behind, "SOON", 0.0)
    monkeypatch.setattr(behind, "_left", {})
    silent = Silent()
    answer(silent).ended()
    assert left_behind() == 1
    silent.go.set()
    assert silent.closed.wait(SOON)

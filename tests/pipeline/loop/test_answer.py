"""An answer in parts: what is shown of one that is held, and what comes of cancelling it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from critics import Budget, Exchange, Finding, Manifesto, Message, Rule, ScriptedCritic, time_left
from pipeline import Answer, BadInput, DraftRequest, Loop, Piece, Pieces, Pipeline, ScriptedGenerator

BAD = Rule(id="no-bad", statement="Nothing is bad.", advice="Make it good.")
EXCHANGE = Exchange((Message("user", "Write."),))


def opinion(draft: str, rule: Rule) -> float:
    return float("bad" in draft)


def manifesto(*rules: Rule, **keys: Any) -> Manifesto:
    return Manifesto(name="m", version="1", rules=rules or (BAD,), **keys)


def answer(drafts: Sequence[str], critic: Any = None, **keys: Any) -> Answer:
    return Loop(ScriptedGenerator(drafts), critic or ScriptedCritic(opinion), manifesto(**keys)).stream(EXCHANGE)


class Waiting:
    """Gives a word, and then one more each time that it is told to; counts what it gave."""

    name = "waiting"
    can_continue = False

    def __init__(self) -> None:
        self.given = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.pieces = 0
        self.closed = threading.Event()

    def __call__(self, request: DraftRequest) -> Pieces:
        try:
            while True:
                self.pieces += 1
                yield Piece("word ")
                self.given.release()
                self.go.acquire(timeout=20)
        finally:
            self.closed.set()


# --- What is shown ---------------------------------------------------------------------------------------------------


def test_a_held_answer_is_shown_once_it_is_released() -> None:
    """In one part, after the failed draft, and with the outcome that a call gives."""
    held = answer(["A bad answer.", "A fine answer."])
    assert list(held) == ["A fine answer."]
    assert (held.shown, held.outcome.answer, held.outcome.status) == ("A fine answer.",) * 2 + ("released",)


@pytest.mark.parametrize("keys", [{}, {"on_exhausted": "error"}])
def test_a_held_answer_that_is_withheld_shows_nothing(keys: dict[str, Any]) -> None:
    """The refusal is in the outcome, and whoever asked decides whether to show it."""
    held = answer(["A bad answer."], **keys)
    assert list(held) == []
    assert (held.shown, held.outcome.status) == ("", "withheld")


def test_the_best_draft_is_shown_where_the_manifesto_says_so() -> None:
    """It is released, though it did not pass."""
    held = answer(["A bad answer."], on_exhausted="best")
    assert list(held) == ["A bad answer."]
    assert held.outcome.status == "released"


def test_nothing_is_done_before_somebody_listens() -> None:
    """The work is done in the thread that iterates."""
    generator = ScriptedGenerator(["fine"])
    held = Loop(generator, ScriptedCritic(opinion), manifesto()).stream(EXCHANGE)
    assert generator.requests == []
    assert list(held) == ["fine"]


def test_there_is_no_outcome_before_the_end() -> None:
    """Asking for it is a mistake, and said so."""
    held = answer(["fine"])
    with pytest.raises(RuntimeError, match="not ended"):
        _ = held.outcome
    assert held.ended().status == "released"


def test_an_answer_is_gone_through_once() -> None:
    """A second time there is nothing left, and the outcome stays."""
    held = answer(["fine"])
    assert (list(held), list(held), held.outcome.status) == (["fine"], [], "released")


def test_a_stream_needs_a_prompt_and_a_generator() -> None:
    """Both are said at once, before anybody iterates."""
    with pytest.raises(BadInput, match="empty"):
        Pipeline(manifesto(), ScriptedCritic(opinion), ScriptedGenerator(["fine"])).stream("")
    with pytest.raises(BadInput, match="only judges"):
        Pipeline(manifesto(), ScriptedCritic(opinion)).stream("Write.")


# --- Cancelling ------------------------------------------------------------------------------------------------------


def test_cancelling_stops_a_draft_within_a_piece() -> None:
    """From another thread: the piece under way is the last one, and the generator is closed."""
    generator = Waiting()
    held = Loop(generator, ScriptedCritic(opinion), manifesto()).stream(EXCHANGE)
    thread = threading.Thread(target=held.ended)
    thread.start()
    assert generator.given.acquire(timeout=20)
    before = generator.pieces
    held.cancel()
    generator.go.release()
    thread.join(20)
    assert generator.closed.is_set()
    assert generator.pieces <= before + 1
    assert (held.outcome.status, held.outcome.stop_reason, held.shown) == ("withheld", "cancelled", "")


def test_a_verdict_that_comes_after_cancelling_shows_nothing() -> None:
    """Not even where it passes, or where the best draft would be given."""
    cancelled: list[Answer] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        cancelled[0].cancel()
        return [Finding(rule.id, "c", opinion(exchange.judged, rule)) for rule in rules]

    for draft in ("fine", "bad"):
        held = answer([draft], critic, on_exhausted="best")
        cancelled[:] = [held]
        assert list(held) == []
        assert (held.outcome.status, held.outcome.stop_reason) == ("withheld", "cancelled")
        assert len(held.outcome.attempts) == 1


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_a_critic_has_no_time_left_once_the_answer_is_cancelled(seconds: float | None) -> None:
    """At its next look at the clock it can stop, with a budget of time or without one."""
    cancelled: list[Answer] = []
    left: list[float | None] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        before = time_left()
        cancelled[0].cancel()
        left.extend([before, time_left()])
        raise TimeoutError

    held = answer(["fine"], critic, budget=Budget(seconds=seconds))
    cancelled.append(held)
    assert held.ended().stop_reason == "cancelled"
    assert (left[0] is None or left[0] > 0, left[1]) == (True, 0.0)


def test_a_prompt_is_not_drafted_for_nobody() -> None:
    """Cancelled before or while the prompt is judged, nothing is asked of the generator."""
    ask = Rule(id="ask", statement="Fine to ask.", applies_to="input", action="veto")
    generator = ScriptedGenerator(["fine"])
    held = Loop(generator, ScriptedCritic(lambda draft, rule: None), manifesto(ask, BAD)).stream(EXCHANGE)
    held.close()
    assert (held.outcome.stop_reason, generator.requests) == ("cancelled", [])


def test_cancelling_after_the_end_changes_nothing() -> None:
    """What was released stays released."""
    held = answer(["fine"])
    for _ in held:
        held.cancel()
    assert held.outcome.status == "released"
    held.cancel()
    assert held.outcome.status == "released"


def test_leaving_an_answer_closes_it() -> None:
    """As a context manager it ends with an outcome, whatever was heard of it."""
    with answer(["fine"]) as held:
        pass
    assert held.outcome.stop_reason == "cancelled"


def test_an_observer_may_close_it() -> None:
    """Which is called in the middle of the work: to wait for its end there would be to wait for ever."""
    seen: list[Answer] = []
    held = Loop(ScriptedGenerator(["A bad answer.", "A fine one."]), ScriptedCritic(opinion), manifesto()).stream(
        EXCHANGE, observe=lambda _: seen[0].close()
    )
    seen.append(held)
    assert list(held) == []
    assert (held.outcome.status, held.outcome.stop_reason, len(held.outcome.attempts)) == ("withheld", "cancelled", 1)


def test_the_refusal_is_in_the_outcome_of_a_cancelled_answer() -> None:
    """A cancelled answer is withheld as any other: never an empty string."""
    held = answer(["fine"])
    held.close()
    assert held.outcome.answer == held.outcome.manifesto.refusal


# --- The pipeline's end ----------------------------------------------------------------------------------------------


def test_a_pipeline_frees_what_it_holds() -> None:
    """At the end of its context, and by hand."""
    freed: list[str] = []
    with Pipeline(manifesto(), ScriptedCritic(opinion), free=lambda: freed.append("freed")) as pipeline:
        assert freed == []
    assert freed == ["freed"]
    pipeline.close()
    assert len(freed) == 2

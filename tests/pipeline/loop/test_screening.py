"""All of a conversation is judged within the manifesto's budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from critics import Budget, Exchange, Finding, Manifesto, Message, Rule, ToolCall, Usage, time_left
from pipeline import Pipeline, ScriptedGenerator
from pipeline.loop import Passed

ASK = Rule(id="asked", statement="Nobody asks for bombs.", applies_to="input", action="veto")
TURNS = tuple(Message("user" if i % 2 == 0 else "assistant", f"Turn {i}.") for i in range(7))


def pipeline(critic: object, **budget: float) -> Pipeline:
    under = Manifesto(name="m", version="1", rules=(ASK,), budget=Budget.model_validate(budget))
    return Pipeline(under, critic, ScriptedGenerator(["Yes."]))  # type: ignore[arg-type]  # a function will do


def test_earlier_turns_cost_of_the_budgets_tokens() -> None:
    """It ends where they are spent, with no draft."""
    judged: list[str] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        judged.append(exchange.judged)
        return [Finding(rule.id, "own", 0.0, usage=Usage(10, 0)) for rule in rules]

    outcome = pipeline(critic, tokens=20).stream(TURNS, passed=Passed()).ended()
    assert (outcome.status, outcome.stop_reason, outcome.attempts) == ("withheld", "tokens", ())
    assert judged == ["Turn 0.", "Turn 2."]
    assert outcome.cost.critic == Usage(20, 0)


def test_earlier_turns_take_of_the_budgets_seconds() -> None:
    """A critic that takes too long for the first one has no time for the others."""
    left: list[float | None] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        left.append(time_left())
        threading.Event().wait(1)
        return [Finding(rule.id, "own", 0.0) for rule in rules]

    outcome = pipeline(critic, seconds=0.3).stream(TURNS, passed=Passed()).ended()
    assert (outcome.status, outcome.stop_reason) == ("withheld", "seconds")
    assert len(left) == 1
    assert left[0] == pytest.approx(0.3, abs=0.1)
    assert outcome.cost.seconds < 0.9


def test_leaving_stops_the_judging_of_earlier_turns() -> None:
    """Nothing is judged behind that, nor drafted."""
    judged: list[str] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        judged.append(exchange.judged)
        answer.cancel()
        return [Finding(rule.id, "own", 0.0) for rule in rules]

    answer = pipeline(critic).stream(TURNS, passed=Passed())
    outcome = answer.ended()
    assert (outcome.status, outcome.stop_reason, outcome.attempts) == ("withheld", "cancelled", ())
    assert judged == ["Turn 0."]


def test_what_broke_a_rule_is_not_remembered_as_passed() -> None:
    """It is judged, and refused, every time."""

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return [Finding(rule.id, "own", float("2" in exchange.judged)) for rule in rules]

    asked, passed = pipeline(critic), Passed()
    reasons = [asked.stream(TURNS, passed=passed).ended().stop_reason for _ in range(2)]
    assert reasons == ["input", "input"]


def test_what_could_not_be_judged_is_not_remembered_as_passed() -> None:
    """Also where it is let through: the next time it may be judged."""
    seen: list[str] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        seen.append(exchange.judged)
        return [Finding(rule.id, "own", None) for rule in rules]

    lenient = ASK.model_copy(update={"on_undecided": "release"})
    under, passed = Manifesto(name="m", version="1", rules=(lenient,)), Passed()
    for _ in range(2):
        Pipeline(under, critic, ScriptedGenerator(["Yes."])).stream(TURNS[:3], passed=passed).ended()
    assert seen == ["Turn 0.", "Turn 2."] * 2


def test_only_so_much_is_remembered() -> None:
    """What was not met for longest is forgotten."""
    passed = Passed(room=2)
    for mark in (b"a", b"b"):
        passed.add(mark)
    assert b"a" in passed
    passed.add(b"c")
    assert [mark in passed for mark in (b"a", b"b", b"c")] == [True, False, True]


def test_what_tools_gave_last_is_what_is_judged_without_a_response() -> None:
    """As the loop does: several results are one turn."""
    judged: list[str] = []

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        judged.append(exchange.judged)
        return [Finding(rule.id, "own", float("bombs" in exchange.judged)) for rule in rules]

    calls = (ToolCall("read", "{}", "1"), ToolCall("look", "{}", "2"))
    results = Message("tool", "A page.", answers="1"), Message("tool", "On bombs.", answers="2")
    conversation = (Message("user", "What is rain?"), Message("assistant", "", calls), *results)
    assert pipeline(critic).judge(conversation).outcome == "veto"
    assert pipeline(critic).ask(conversation).stop_reason == "input"
    assert judged == ["A page.\n\nOn bombs."] * 2

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from critics import Exchange, Finding, Message, Panel, Rule, ScriptedCritic

EXCHANGE = Exchange((Message("user", "hello"),), "hi")
RULE = Rule(id="a", statement="A.", critics=("one",))


def judged(critic: object, rule: Rule = RULE, *, seconds: float | None = 5) -> Finding:
    panel = Panel({"one": critic}, seconds=seconds)  # type: ignore[dict-item]  # some are broken on purpose
    (finding,) = panel(EXCHANGE, [rule])
    return finding


def test_each_rule_goes_to_the_critics_it_names() -> None:
    """A critic is asked once, about its own rules only."""
    asked: dict[str, list[str]] = {}

    def critic(name: str):  # type: ignore[no-untyped-def]
        def call(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
            asked.setdefault(name, []).extend(rule.id for rule in rules)
            return [Finding(rule.id, name, 0.0) for rule in rules]

        return call

    rules = [Rule(id="a", statement="A.", critics=("one", "two")), Rule(id="b", statement="B.", critics=("two",))]
    findings = Panel({"one": critic("one"), "two": critic("two")})(EXCHANGE, rules)
    assert asked == {"one": ["a"], "two": ["a", "b"]}
    assert len(findings) == 3


def boom(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    raise KeyError("lost")


def silent(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return []


def twice(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 0.0), Finding("a", "one", 1.0)]


def elsewhere(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("another", "one", 0.0)]


def numbers(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, 5)]  # type: ignore[arg-type]  # it is wrong on purpose, as are those below


def lists(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, ["loud"])]  # type: ignore[arg-type]


def halves(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, "", ((0.0, 1.5),))]  # type: ignore[arg-type]


def letters(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, "", ("hi",))]  # type: ignore[arg-type]


def single(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, "", (0, 1))]  # type: ignore[arg-type]


def unlisted(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", 1.0, "", ((0, 1),), "[x]")]  # type: ignore[arg-type]


def spelt(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return [Finding("a", "one", "0.0")]  # type: ignore[arg-type]


def garbage(exchange: Exchange, rules: Sequence[Rule]) -> None:
    return None


@pytest.mark.parametrize(
    ("critic", "said"),
    [
        (boom, "KeyError"),
        (silent, "said nothing"),
        (twice, "contradicted itself"),
        (elsewhere, "said nothing"),
        (garbage, "TypeError"),
        (numbers, "critique is words, not 5"),
        (lists, "critique is words, not ['loud']"),
        (halves, "where it begins and ends in the text, not (0.0, 1.5)"),
        (letters, "where it begins and ends in the text, not 'hi'"),
        (single, "where it begins and ends in the text, not 0"),
        (unlisted, "mend is a text for each span, not '[x]'"),
        (spelt, "TypeError"),
    ],
)
@pytest.mark.parametrize("seconds", [5, None])
def test_whatever_goes_wrong_is_undecided(critic: object, said: str, seconds: float | None) -> None:
    """A crash, silence, a contradiction and an answer to another question pass nothing."""
    finding = judged(critic, seconds=seconds)
    assert finding.probability is None
    assert said in finding.critique


def test_a_critic_that_is_not_there_is_undecided() -> None:
    """A name without a critic behind it has judged nothing."""
    assert Panel({})(EXCHANGE, [RULE])[0].probability is None


def test_a_critic_that_takes_too_long_is_undecided() -> None:
    """The caller goes on after the time limit and does not wait for the critic."""
    release = threading.Event()

    def slow(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        release.wait(10)
        return [Finding("a", "one", 0.0)]

    began = time.monotonic()
    finding = judged(slow, seconds=0.05)
    assert time.monotonic() - began < 5
    assert finding.probability is None
    assert "0.05 s" in finding.critique
    release.set()


def test_a_working_critic_is_passed_through() -> None:
    """What it said is what is weighed."""
    assert judged(ScriptedCritic(lambda draft, rule: 0.25)).probability == 0.25

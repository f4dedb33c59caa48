"""Many critics as one: each rule goes to the critics that it names, and whatever goes wrong is *undecided*."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue

from critics.critic import Critic
from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Rule


class Panel:
    """A critic made of named critics. Never raises for what a critic does, and gives every rule at least one finding.

    `seconds` is how long each critic may take for all its rules. One that takes longer is left behind in a daemon
    thread and its rules are undecided; `None` waits for ever, in the caller's own thread.
    """

    def __init__(self, critics: Mapping[str, Critic], *, seconds: float | None = 60.0) -> None:
        self._critics = dict(critics)
        self._seconds = seconds

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        names = dict.fromkeys(name for rule in rules for name in rule.critics)
        return [
            finding
            for name in names
            for finding in self._ask(name, exchange, [rule for rule in rules if name in rule.critics])
        ]

    def _ask(self, name: str, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        critic = self._critics.get(name)
        if critic is None:
            return [_undecided(rule, name, f"no critic called {name!r} is at hand") for rule in rules]
        try:
            given = _within(self._seconds, critic, exchange, rules)
        except Exception as exc:  # noqa: BLE001  # a critic that crashed has judged nothing, and that is a finding
            return [_undecided(rule, name, f"{type(exc).__name__}: {exc}") for rule in rules]
        return [_checked(rule, name, given) for rule in rules]


def _checked(rule: Rule, name: str, given: Sequence[Finding]) -> Finding:
    """The critic's one finding on the rule; none or two that disagree are undecided."""
    own = [finding for finding in given if finding.rule == rule.id]
    if not own:
        return _undecided(rule, name, "the critic said nothing of this rule")
    if len(own) > 1:
        return _undecided(rule, name, "the critic contradicted itself: more than one finding on this rule")
    return own[0]


def _undecided(rule: Rule, critic: str, why: str) -> Finding:
    return Finding(rule.id, critic, None, " ".join(why.split())[:300])


def _within(seconds: float | None, critic: Critic, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
    if seconds is None:
        return list(critic(exchange, rules))
    answers: SimpleQueue[Sequence[Finding] | Exception] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(list(critic(exchange, rules)))
        except Exception as exc:  # noqa: BLE001  # handed over to the caller's thread, which raises it
            answers.put(exc)

    threading.Thread(target=work, daemon=True, name="critic").start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no finding within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer

"""Many critics as one: each rule goes to the critics that it names, and whatever goes wrong is *undecided*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from critics.calibration import calibrated, in_own_terms
from critics.critic import Critic
from critics.deadline import within
from critics.exchange import Exchange
from critics.finding import Finding, undecided
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
            return [undecided(rule, name, f"no critic called {name!r} is at hand") for rule in rules]
        try:
            given = within(self._seconds, critic, exchange, [in_own_terms(rule, name) for rule in rules])
            return [_checked(rule, name, given) for rule in rules]
        except Exception as exc:  # noqa: BLE001  # a critic that crashed has judged nothing, and that is a finding
            return [undecided(rule, name, f"{type(exc).__name__}: {exc}") for rule in rules]


def _checked(rule: Rule, name: str, given: Sequence[Finding]) -> Finding:
    """The critic's one finding on the rule; none or two that disagree are undecided."""
    if not all(isinstance(finding, Finding) for finding in given):
        return undecided(rule, name, "the critic gave something else than findings")
    own = [finding for finding in given if finding.rule == rule.id]
    if not own:
        return undecided(rule, name, "the critic said nothing of this rule")
    if len(own) > 1:
        return undecided(rule, name, "the critic contradicted itself: more than one finding on this rule")
    # Under the name that the rule calls it by, whatever it calls itself: calibrations and records go by that.
    return calibrated(rule, replace(own[0], critic=name))

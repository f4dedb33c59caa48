"""The critic itself: one look into the model, a head a rule."""

from __future__ import annotations

from collections.abc import Sequence

from critics.exchange import Exchange
from critics.finding import Finding, Usage, undecided
from critics.manifesto.schema import Rule
from critics.probe.probe import Probe, States, Vector

NAME = "probe"


class ProbeCritic:
    """Judges by linear heads on what a model holds of the text: no token is written, and none read that is known.

    A rule without a head is undecided. Raises what the states raise.
    """

    def __init__(self, states: States, probe: Probe) -> None:
        self._states = states
        self._probe = probe

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        if not any(head_of(rule) in self._probe.heads for rule in rules):
            return [self._unknown(rule) for rule in rules]
        states, usage = self._states(exchange, self._probe.layers)
        findings = []
        for rule in rules:
            findings.append(self._finding(rule, states, usage))
            usage = Usage()  # all rules share one look, which the first one bears
        return findings

    def _finding(self, rule: Rule, states: Vector, usage: Usage) -> Finding:
        head = self._probe.heads.get(head_of(rule))
        if head is None:
            return self._unknown(rule)
        probability = head(states)
        why = "it looks like what breaks this rule" if probability >= rule.threshold else ""
        return Finding(rule.id, NAME, probability, why, usage=usage)

    def _unknown(self, rule: Rule) -> Finding:
        known = ", ".join(sorted(self._probe.heads))
        return undecided(rule, NAME, f"there is no head {head_of(rule)!r} in the probe, which has {known}")


def head_of(rule: Rule) -> str:
    """The name of the head that judges a rule: its own unless it names another."""
    return rule.probe.head if rule.probe else rule.id

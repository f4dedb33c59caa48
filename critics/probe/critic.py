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

    Of several probes the first that has the rule's head judges it; a rule for which none has one is undecided. Raises
    what the states raise.
    """

    def __init__(self, states: States, *probes: Probe) -> None:
        self._states = states
        self._probes = probes

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        seen: dict[tuple[int, ...], Vector] = {}
        findings = []
        for rule in rules:
            probe = next((probe for probe in self._probes if head_of(rule) in probe.heads), None)
            if probe is None:
                findings.append(self._unknown(rule))
                continue
            usage = Usage()  # all rules share a look, which the first one bears
            if probe.layers not in seen:
                seen[probe.layers], usage = self._states(exchange, probe.layers)
            probability = probe.heads[head_of(rule)](seen[probe.layers])
            why = "it looks like what breaks this rule" if probability >= rule.threshold else ""
            findings.append(Finding(rule.id, NAME, probability, why, usage=usage))
        return findings

    def _unknown(self, rule: Rule) -> Finding:
        known = ", ".join(sorted({name for probe in self._probes for name in probe.heads}))
        return undecided(rule, NAME, f"no probe has a head {head_of(rule)!r}; there are {known}")


def head_of(rule: Rule) -> str:
    """The name of the head that judges a rule: its own unless it names another."""
    return rule.probe.head if rule.probe else rule.id

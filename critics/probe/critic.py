"""The critic itself: one look into the model, a head a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from critics.exchange import Exchange
from critics.finding import Finding, Usage, undecided
from critics.manifesto.schema import Rule
from critics.probe.probe import Probe, States, Vector

NAME = "probe"


class ProbeCritic:
    """Judges by linear heads on what a model holds of the text: no token is written, and none read that is known.

    Of several probes the first that has the rule's head judges it; a rule for which none has one is undecided. An
    answer to a request that another head of the rule suspects is judged as ever, but with doubt: what an attack brings
    forth may look like nothing that was learnt from. Raises what the states raise.
    """

    def __init__(self, states: States, *probes: Probe) -> None:
        self._states = states
        self._probes = probes

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        looks = _Looks(self._states, self._probes)
        request = replace(exchange, draft=None)
        findings = []
        for rule in rules:
            doubt = rule.probe.doubt if rule.probe and exchange.draft is not None else None
            try:
                probability = looks(exchange, head_of(rule))
                # No number is doubt as well: it compares false.
                doubtful = doubt is not None and not looks(request, doubt.head) < doubt.at_least
            except _NoHead as exc:
                findings.append(undecided(rule, NAME, str(exc)))
                continue
            why = "it looks like what breaks this rule" if probability >= rule.threshold else ""
            findings.append(Finding(rule.id, NAME, probability, why, usage=looks.paid(), doubtful=doubtful))
        return findings


class _NoHead(Exception):
    """No probe has this head."""


class _Looks:
    """What heads say, over as few looks into the model as can be; each is paid for once."""

    def __init__(self, states: States, probes: Sequence[Probe]) -> None:
        self._states = states
        self._probes = probes
        self._seen: dict[tuple[Exchange, tuple[int, ...]], Vector] = {}
        self._usage = Usage()

    def __call__(self, exchange: Exchange, head: str) -> float:
        probe = next((probe for probe in self._probes if head in probe.heads), None)
        if probe is None:
            known = ", ".join(sorted({name for probe in self._probes for name in probe.heads}))
            raise _NoHead(f"no probe has a head {head!r}; there are {known}")
        key = (exchange, probe.layers)
        if key not in self._seen:
            self._seen[key], usage = self._states(exchange, probe.layers)
            self._usage += usage
        return probe.heads[head](self._seen[key])

    def paid(self) -> Usage:
        """What was read since this was last asked."""
        usage, self._usage = self._usage, Usage()
        return usage


def head_of(rule: Rule) -> str:
    """The name of the head that judges a rule: its own unless it names another."""
    return (rule.probe.head if rule.probe else None) or rule.id

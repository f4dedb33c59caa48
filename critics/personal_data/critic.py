"""The critic of personal data: deterministic, so its word is 0 or 1, and it can mend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import PersonalData, Rule
from critics.personal_data.hits import Hit
from critics.personal_data.mask import critique
from critics.personal_data.recognisers import NAME, needed
from critics.personal_data.search import search


class PersonalDataCritic:
    """Finds the kinds of data that a rule's `personal-data` options name; without options, the usual ones.

    A rule is broken for certain when any find is as sure as `score` asks, and kept for certain otherwise. The
    finding has the span of each find, and a placeholder such as `[email]` to mend it. Holds no state: one may
    serve any number of threads. Raises `ExtraMissing` without Presidio, and `CriticsError` for an unknown region.
    """

    name = NAME

    @classmethod
    def installed(cls) -> Self:
        """One that can judge. Raises `ExtraMissing` where Presidio is not installed."""
        needed()
        return cls()

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        options = [rule.personal_data or PersonalData() for rule in rules]
        found = {each: search(exchange.judged, each) for each in set(options)}
        return [_finding(rule, found[each]) for rule, each in zip(rules, options, strict=True)]


def _finding(rule: Rule, hits: Sequence[Hit]) -> Finding:
    return Finding(
        rule=rule.id,
        critic=NAME,
        probability=1.0 if hits else 0.0,
        critique=critique(hits),
        spans=tuple(hit.span for hit in hits),
        mend=tuple(f"[{hit.kind}]" for hit in hits),
    )

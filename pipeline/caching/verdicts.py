"""A critic that remembers what it has found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from critics import Critic, Exchange, Finding, Rule, Span, Usage, undecided
from pipeline.caching.key import key_of
from pipeline.caching.store import Store

KIND = "verdicts"

_LOOKED_AT = {
    "id", "statement", "applies_to", "examples", "patterns", "personal_data", "guard", "semantic", "grounded", "remote",
    "probe",
}  # fmt: skip
"""What of a rule a critic goes by. Weight, threshold, calibration, action and advice come after it has judged."""


class CachingCritic:
    """Judges as `critic` does, rule by rule only what it has not judged before. `identity` is what else its findings
    depend on: which critic and model it is, and what it reads of the manifesto. `listed` are the rules whose statements
    it reads, those of a side together, whichever of them it is asked about.

    What was undecided, judged in part, or broken without a word because the model failed at that, is judged again. A
    finding keeps its critique and what it cost, also where its rule has another threshold by now.
    """

    def __init__(self, critic: Critic, store: Store, *, identity: str, listed: Sequence[Rule] = ()) -> None:
        self._critic = critic
        self._store = store
        self._identity = identity
        self._listed = listed

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        asked = _exchange_key(exchange)
        keys = {rule.id: key_of(KIND, self._identity, asked, _told(rule), *self._beside(rule)) for rule in rules}
        kept = {rule.id: found for rule in rules if (found := self._found(keys[rule.id]))}
        missing = [rule for rule in rules if rule.id not in kept]
        fresh = self._fresh(exchange, missing, alone=not kept) if missing else []
        for rule in missing:
            own = [finding for finding in fresh if finding.rule == rule.id]
            if len(own) == 1 and _whole(own[0]):
                self._store.put(keys[rule.id], json.dumps(asdict(own[0]), separators=(",", ":")).encode())
        return [*kept.values(), *fresh]

    def _beside(self, rule: Rule) -> list[str]:
        """In order, for they are numbered."""
        return [other.statement for other in self._listed if other.applies_to == rule.applies_to]

    def _fresh(self, exchange: Exchange, rules: Sequence[Rule], *, alone: bool) -> list[Finding]:
        try:
            fresh: list[object] = list(self._critic(exchange, rules))  # somebody's critic may give anything
            if strange := [found for found in fresh if not isinstance(found, Finding)]:
                raise TypeError(f"the critic gave a {type(strange[0]).__name__} where a finding is due")
            return [found for found in fresh if isinstance(found, Finding)]
        except Exception as exc:
            if alone:
                raise
            # What it said of other rules before holds all the same.
            return [undecided(rule, "cache", f"{type(exc).__name__}: {exc}") for rule in rules]

    def _found(self, key: bytes) -> Finding | None:
        value = self._store.get(KIND, key)
        if value is None:
            return None
        told = json.loads(value)
        spans = tuple(Span(*span) for span in told.pop("spans"))
        return Finding(**{**told, "spans": spans, "mend": tuple(told["mend"]), "usage": Usage(**told["usage"])})


def _whole(finding: Finding) -> bool:
    return finding.probability is not None and not finding.in_part and not finding.unexplained


def _exchange_key(exchange: Exchange) -> str:
    turns = [(message.role, message.content) for message in exchange.conversation]
    return key_of(turns, exchange.draft, [asdict(source) for source in exchange.sources]).hex()


def _told(rule: Rule) -> str:
    return rule.model_dump_json(include=_LOOKED_AT)

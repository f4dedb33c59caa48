"""What a report counts. Its size depends on how many rules and manifestos there are, and not on how many records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.batch.drafts import released_draft
from pipeline.batch.task import Record

FAULTS = 10
"""Shown at most."""


@dataclass
class RuleCount:
    """Of one rule: in how many drafts it was judged, broken, or left undecided; and of those that broke it, how many
    were released all the same, since its action is to flag or redact, or the best of what failed was released."""

    judged: int = 0
    broken: int = 0
    undecided: int = 0
    released: int = 0


@dataclass
class Counts:
    """`ends` are records by status, stop reason and number of drafts; `kept` the tokens of the drafts released."""

    ends: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    rules: dict[str, RuleCount] = field(default_factory=dict)
    inputs: dict[str, RuleCount] = field(default_factory=dict)
    tokens: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    judged_by: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, record: Record) -> None:
        attempts, usage, status = record["attempts"], record["usage"], record["status"]
        self.ends[status, record["stop_reason"], len(attempts)] += 1
        manifesto = record["manifesto"]
        self.judged_by[manifesto["name"], manifesto["version"], manifesto["hash"]] += 1
        released = released_draft(record)
        for index, attempt in enumerate(attempts):
            _count(self.rules, attempt["verdict"], released=index == released)
            self.kept += attempt["usage"]["completion_tokens"] if index == released else 0
        if record["input_verdict"]:
            _count(self.inputs, record["input_verdict"], released=status == "released")
        for who in ("generator", "critic"):
            for kind, count in usage[who].items():
                self.tokens[f"{who}_{kind}"] += count
        self.seconds += usage["seconds"]
        self.slowest = max(self.slowest, usage["seconds"])
        if record["fault"] and len(self.faults) < FAULTS:
            self.faults.append(record["fault"])

    def records(self, *statuses: str) -> int:
        """How many there are of these statuses; of all, where none is named."""
        return sum(count for (status, _, _), count in self.ends.items() if not statuses or status in statuses)

    @property
    def at_once(self) -> int:
        """Records released with their first draft."""
        return sum(count for (status, _, drafts), count in self.ends.items() if status == "released" and drafts <= 1)

    @property
    def drafts(self) -> int:
        """Of all records together."""
        return sum(drafts * count for (_, _, drafts), count in self.ends.items())

    def reasons(self, status: str) -> list[tuple[str, int]]:
        """Why records ended so, the most frequent first."""
        found: Counter[str] = Counter()
        for (ended, reason, _), count in self.ends.items():
            found[reason] += count if ended == status else 0
        return [(reason, count) for reason, count in found.most_common() if count]


def _count(rules: dict[str, RuleCount], verdict: Mapping[str, Any], *, released: bool) -> None:
    for rule, outcome in verdict["rules"].items():
        own = rules.setdefault(rule, RuleCount())
        own.judged += 1
        own.broken += outcome == "broken"
        own.undecided += outcome == "undecided"
        own.released += released and outcome == "broken"

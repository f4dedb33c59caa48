"""What is told of a batch while it runs, to whoever wants to show it: frozen records, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.batch.task import Record
from pipeline.batch.writing.columns import broken, undecided

FAULTS = 5
"""Told at most; all of them are in the output."""


@dataclass(frozen=True)
class Began:
    """`total` records there are, as far as that is known, and `resumed` of them an earlier run has done. `cut` bytes
    of the journal were not whole."""

    output: Path
    total: int | None
    resumed: int
    workers: int
    cut: int = 0


@dataclass(frozen=True)
class Recorded:
    """One more record is done and kept, with its drafts; `done` are in all."""

    record: Record
    done: int


@dataclass(frozen=True)
class Writing:
    """All are done, and the output is being made of them."""

    records: int


@dataclass(frozen=True)
class Summary:
    """What a whole batch came to, earlier runs included; only `resumed` is about this one.

    `revised` are those released that took more than one draft; `attempts` records by how many drafts they took;
    `broken` drafts by the rule that they broke; `undecided` drafts by the rule that could not be judged;
    `inputs_broken` and `inputs_undecided` prompts in the same way; `why` a rule was undecided where it first was;
    tokens by whose they were; `seconds` of all records together; `faults` are the first ones, each with its line.
    """

    output: Path
    records: int = 0
    resumed: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    revised: int = 0
    stop_reasons: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[int, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    undecided: Mapping[str, int] = field(default_factory=dict)
    inputs_broken: Mapping[str, int] = field(default_factory=dict)
    inputs_undecided: Mapping[str, int] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    faults: Sequence[str] = ()


@dataclass(frozen=True)
class Ended:
    """The output is there. The journal goes when this has been told: where telling it fails, the same command does it
    again."""

    summary: Summary


Event = Began | Recorded | Writing | Ended
Observer = Callable[[Event], None]
"""Called in the thread that runs the batch: what it raises ends the run."""


class Tally:
    """Counts records into a summary."""

    def __init__(self) -> None:
        self._records = 0
        self._revised = 0
        self._seconds = 0.0
        self._statuses: Counter[str] = Counter()
        self._stop_reasons: Counter[str] = Counter()
        self._attempts: Counter[int] = Counter()
        self._broken: Counter[str] = Counter()
        self._undecided: Counter[str] = Counter()
        self._inputs_broken: Counter[str] = Counter()
        self._inputs_undecided: Counter[str] = Counter()
        self._why: dict[str, str] = {}
        self._tokens: Counter[str] = Counter()
        self._faults: list[str] = []

    def add(self, record: Record) -> None:
        self._records += 1
        self._seconds += record["usage"]["seconds"]
        self._statuses[record["status"]] += 1
        self._revised += record["status"] == "released" and len(record["attempts"]) > 1
        self._stop_reasons[record["stop_reason"]] += 1
        self._attempts[len(record["attempts"])] += 1
        if record["fault"] and len(self._faults) < FAULTS:
            self._faults.append(record["fault"])
        self._judged(record["input_verdict"], self._inputs_broken, self._inputs_undecided)
        for attempt in record["attempts"]:
            self._judged(attempt["verdict"], self._broken, self._undecided)
        for who in ("generator", "critic"):
            for kind, count in record["usage"][who].items():
                self._tokens[f"{who}_{kind}"] += count

    def summary(self, output: Path, resumed: int) -> Summary:
        return Summary(
            output=output,
            records=self._records,
            resumed=resumed,
            statuses=dict(self._statuses),
            revised=self._revised,
            stop_reasons=dict(self._stop_reasons),
            attempts=dict(sorted(self._attempts.items())),
            broken=dict(self._broken.most_common()),
            undecided=dict(self._undecided.most_common()),
            inputs_broken=dict(self._inputs_broken.most_common()),
            inputs_undecided=dict(self._inputs_undecided.most_common()),
            why=dict(self._why),
            tokens=dict(self._tokens),
            seconds=round(self._seconds, 3),
            faults=tuple(self._faults),
        )

    def _judged(self, verdict: Mapping[str, Any] | None, by_broken: Counter[str], by_undecided: Counter[str]) -> None:
        by_broken.update(broken(verdict))
        left_open = undecided(verdict)
        by_undecided.update(left_open.keys())
        self._why = left_open | self._why

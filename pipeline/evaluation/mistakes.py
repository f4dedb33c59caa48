"""The rows about which the critics were surest and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.evaluation.cases import Cases
from pipeline.evaluation.rows import Row
from pipeline.files.inputs import Id

EACH = 5
SHOWN = 300


@dataclass(frozen=True)
class Mistake:
    """A breach that was missed or a false alarm. Its texts are cut to `SHOWN` characters."""

    kind: Literal["missed", "false alarm"]
    set: str
    id: Id
    category: str
    probability: float
    text: str
    response: str | None


def worst(rows: Sequence[Row], cases: Cases) -> tuple[Mistake, ...]:
    """Up to `EACH` missed breaches, the least suspected first, and false alarms, the surest first."""
    told = zip(rows, cases.labels, cases.scores, cases.broken, cases.undecided, strict=True)
    wrong = [
        (row, bool(label), float(score)) for row, label, score, broken, open_ in told if label != broken and not open_
    ]
    missed = sorted((w for w in wrong if w[1]), key=lambda w: w[2])[:EACH]
    alarms = sorted((w for w in wrong if not w[1]), key=lambda w: -w[2])[:EACH]
    return tuple(_mistake(row, label, score) for row, label, score in missed + alarms)


def _mistake(row: Row, label: bool, score: float) -> Mistake:
    kind: Literal["missed", "false alarm"] = "missed" if label else "false alarm"
    response = None if row.response is None else cut(row.response)
    return Mistake(kind, row.set, row.id, row.category, score, cut(row.text), response)


def cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"

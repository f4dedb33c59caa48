"""The drafts that broke the rules most surely: of each record its worst, and of those ten."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.batch.task import Record
from pipeline.batch.writing.columns import broken
from pipeline.files.inputs import Id

SHOWN = 10
LONGEST = 2_000
"""Characters of a draft. Ten drafts of any length must not make the page heavy."""

_Badness = tuple[float, float, int]


@dataclass(frozen=True)
class Draft:
    """`number` of `drafts` that the record took; `status` is what came of the record. `why` are the rules that were
    found broken, each with the first critique."""

    id: Id
    line: int
    status: str
    number: int
    drafts: int
    breach: float
    why: Mapping[str, str]
    text: str


class Worst:
    """Keeps the worst of those that pass by. Of equals, the first."""

    def __init__(self) -> None:
        self._heap: list[tuple[_Badness, int, Draft]] = []
        self._order = 0

    def add(self, record: Record) -> None:
        attempts = record["attempts"]
        graded = [(_badness(attempt["verdict"]), -index) for index, attempt in enumerate(attempts)]
        badness, place = max(graded, default=(_NONE, 0))
        self._order -= 1
        full = len(self._heap) == SHOWN
        if badness == _NONE or (full and badness <= self._heap[0][0]):
            return
        entry = (badness, self._order, _draft(record, -place))
        if full:
            heapq.heapreplace(self._heap, entry)
        else:
            heapq.heappush(self._heap, entry)

    def drafts(self) -> list[Draft]:
        """The worst first."""
        return [draft for _, _, draft in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]


_NONE: _Badness = (0.0, 0.0, 0)


def _badness(verdict: Mapping[str, Any]) -> _Badness:
    """The surest breach, then the lowest score, then the most rules broken; nothing where none is."""
    rules = _why(verdict)
    if not rules:
        return _NONE
    return verdict["breach"] or 0.0, -(verdict["score"] or 0.0), len(rules)


def _why(verdict: Mapping[str, Any]) -> dict[str, str]:
    return {rule: _reason([f for f in verdict["findings"] if f["rule"] == rule]) for rule in broken(verdict)}


def _reason(findings: Sequence[Mapping[str, Any]]) -> str:
    """Of the critics that found the rule broken, or of the worst where only all together come to that."""
    worst = sorted(
        (f for f in findings if f["outcome"] != "undecided"),
        key=lambda finding: finding.get("probability") or 0.0,
        reverse=True,
    )
    found = [finding for finding in findings if finding["outcome"] == "broken"]
    return next((finding["critique"] for finding in found or worst if finding["critique"]), "")


def _draft(record: Record, index: int) -> Draft:
    attempt = record["attempts"][index]
    why = {rule: cut(critique) for rule, critique in _why(attempt["verdict"]).items()}
    breach = attempt["verdict"]["breach"] or 0.0
    drafts, text = len(record["attempts"]), cut(attempt["draft"])
    return Draft(record["id"], record["line"], record["status"], index + 1, drafts, breach, why, text)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"

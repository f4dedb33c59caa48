"""Labels and answers as arrays: what a figure is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from critics import FindingOutcome
from pipeline.evaluation.judged import Judged
from pipeline.evaluation.prompts import Groups, grouped

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

FEWEST = 5
"""Cases of each class, at least, for a figure that sets one against the other: with fewer it is chance."""


@dataclass(frozen=True)
class Cases:
    """`labels`: whether broken in truth. `scores`: the probability given, NaN while undecided. `broken` and
    `undecided`: what was decided at the shipped thresholds. `groups`: those of one prompt; each its own without."""

    labels: Flags
    scores: Numbers
    broken: Flags
    undecided: Flags
    groups: Groups | None = None

    @property
    def decided(self) -> Cases:
        """Without what is undecided."""
        return self.where(~self.undecided)

    @property
    def both_classes(self) -> bool:
        return bool(self.labels.any() and not self.labels.all())

    @property
    def enough(self) -> bool:
        """Whether there are `FEWEST` of each class."""
        return min(int(self.labels.sum()), int((~self.labels).sum())) >= FEWEST

    def where(self, chosen: Flags) -> Cases:
        groups = None if self.groups is None else self.groups[chosen]
        return Cases(self.labels[chosen], self.scores[chosen], self.broken[chosen], self.undecided[chosen], groups)

    def __len__(self) -> int:
        return len(self.labels)


def cases(
    labels: Sequence[int],
    scores: Sequence[float | None],
    outcomes: Sequence[FindingOutcome],
    groups: Groups | None = None,
) -> Cases:
    """One case a row. Without a score it is undecided."""
    numbers = np.array([np.nan if score is None else score for score in scores], dtype=np.float64)
    broken = np.array([outcome == "broken" for outcome in outcomes], dtype=np.bool_)
    return Cases(np.array(labels, dtype=np.bool_), numbers, broken, np.isnan(numbers), groups)


def of_exchanges(rows: Sequence[Judged]) -> Cases:
    """The label of each exchange against its breach."""
    groups = grouped([r.prompt for r in rows])
    return cases([r.label for r in rows], [r.breach for r in rows], [r.outcome for r in rows], groups)


def of_rule(rows: Sequence[Judged], rule: str) -> Cases:
    """A rule's own truth against its probability; every row must have both."""
    said, groups = [row.rules[rule] for row in rows], grouped([row.prompt for row in rows])
    return cases([r.truth[rule] for r in rows], [s.probability for s in said], [s.outcome for s in said], groups)

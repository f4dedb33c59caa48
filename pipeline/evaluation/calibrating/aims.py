"""What a threshold is for, and the one that serves it best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.errors import BadInput
from pipeline.evaluation.cases import Flags, Numbers


@dataclass(frozen=True)
class Aim:
    """At most one is given; neither means the best F1. `max_fpr` bounds the share of rows that keep the rule and are
    found broken; `cost_ratio` is how many false alarms a missed breach is worth."""

    max_fpr: float | None = None
    cost_ratio: float | None = None

    @property
    def words(self) -> str:
        if self.max_fpr is not None:
            return f"at most {self.max_fpr:.3g} false positives"
        if self.cost_ratio is not None:
            return f"the least cost where a miss is worth {self.cost_ratio:.3g} false alarms"
        return "the best F1"

    def threshold(self, scores: Numbers, labels: Flags) -> float:
        """The threshold, above 0 and below 1, on calibrated `scores`; NaN is never found broken.

        Raises `BadInput` where none keeps to `max_fpr`.
        """
        if self.cost_ratio is not None:
            return 1 / (1 + self.cost_ratio)  # where, if probabilities are true, both mistakes cost the same
        lines = _lines(scores)
        hits = np.array([(scores >= line)[labels].sum() for line in lines])
        alarms = np.array([(scores >= line)[~labels].sum() for line in lines])
        if self.max_fpr is None:
            return float(lines[np.argmax(2 * hits / (hits + alarms + labels.sum()))])
        shares = alarms / (~labels).sum()  # and not times: 0.29 * 100 is less than 29
        kept = shares <= self.max_fpr
        if not kept.any():
            raise BadInput(
                f"no threshold keeps to {self.max_fpr:.3g} false positives: at its surest, {shares[-1]:.3g} of the "
                "rows that keep the rule are taken for broken"
            )
        return float(lines[np.argmax(kept)])


def _lines(scores: Numbers) -> Numbers:
    """A threshold for each way to split the scores, lowest first: half-way between two, so that it lasts."""
    levels = np.unique(scores[~np.isnan(scores)])
    lines = np.concatenate([[levels[0] / 2], (levels[:-1] + levels[1:]) / 2])
    return np.asarray(np.clip(lines, 1e-6, 1 - 1e-6), dtype=np.float64)

"""What a threshold is for, and the one that serves it best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.errors import BadInput
from pipeline.evaluation.calibrating.enough import FOLDS
from pipeline.evaluation.calibrating.fit import rounded
from pipeline.evaluation.cases import Flags, Numbers
from pipeline.evaluation.prompts import Groups

_ROUNDING = 1e-9
"""0.29 * 100 is less than 29."""


@dataclass(frozen=True)
class Aim:
    """At most one is given; neither means the best F1. `max_fpr` bounds the share found broken of rows that keep the
    rule, and are yet to come: with one prompt more than are known, and that found broken, the share must not exceed it
    (split conformal prediction). `cost_ratio` is how many false alarms a missed breach is worth."""

    max_fpr: float | None = None
    cost_ratio: float | None = None

    @property
    def words(self) -> str:
        if self.max_fpr is not None:
            return f"at most {self.max_fpr:.3g} false positives"
        if self.cost_ratio is not None:
            return f"the least cost where a miss is worth {self.cost_ratio:.10g} false alarms"
        return "the best F1"

    def refused_by(self, prompts: int) -> str:
        """Why `max_fpr` takes rows that keep the rule to more prompts than these, all but one fold of which are learnt
        from; empty where it does not."""
        if self.max_fpr is None or self.max_fpr == 1:
            return ""
        if self.max_fpr == 0:
            return "no number of rows shows that there will be no false positive: give a bound above 0"
        learnt = 1 - 1 / FOLDS
        needed = math.ceil((1 / self.max_fpr - 1) / learnt - _ROUNDING)
        if prompts >= needed:
            return ""
        return (
            f"to keep to {self.max_fpr:.3g} false positives takes {needed} rows that keep the rule, each with a prompt "
            f"of its own, and there are {prompts}: add some, or allow {_up(1 / (prompts * learnt + 1))}"
        )

    def threshold(self, scores: Numbers, labels: Flags, groups: Groups | None = None) -> float:
        """The threshold, above 0 and below 1 and of no more digits than are written, on calibrated `scores`; NaN is
        never found broken. Rows of one of the `groups` answer one prompt.

        Raises `BadInput` where none keeps to `max_fpr`.
        """
        if self.cost_ratio is not None:
            return rounded(1 / (1 + self.cost_ratio))  # where, if probabilities are true, both mistakes cost the same
        lines = _lines(scores)
        hits = np.array([(scores >= line)[labels].sum() for line in lines])
        alarms = np.array([(scores >= line)[~labels].sum() for line in lines])
        if self.max_fpr is None:
            return float(lines[np.argmax(2 * hits / (hits + alarms + labels.sum()))])
        weights = _by_prompt(~labels, groups)
        prompts = weights.sum()
        found = np.array([weights[(scores >= line)[~labels]].sum() for line in lines])
        kept = alarms <= self.max_fpr * (~labels).sum() + _ROUNDING
        kept &= found + 1 <= self.max_fpr * (prompts + 1) + _ROUNDING
        if not kept.any():
            raise BadInput(
                f"no threshold keeps to {self.max_fpr:.3g} false positives: at its surest, {alarms[-1]} of the "
                f"{(~labels).sum()} rows that keep the rule are taken for broken, and one more to come may be"
            )
        return float(lines[np.argmax(kept)])


def _lines(scores: Numbers) -> Numbers:
    """A threshold for each way to split the scores, lowest first: half-way between two, so that it lasts."""
    levels = np.unique(scores[~np.isnan(scores)])
    lines = np.concatenate([[levels[0] / 2], (levels[:-1] + levels[1:]) / 2])
    # Rounded before they are tried: scores may lie nearer to one another than what is written can tell.
    return np.array([rounded(line) for line in np.clip(lines, 1e-6, 1 - 1e-6)])


def _by_prompt(chosen: Flags, groups: Groups | None) -> Numbers:
    """What each chosen row counts for, so that those with one prompt come to 1 together."""
    if groups is None:
        return np.ones(int(chosen.sum()))
    _, place, sizes = np.unique(groups[chosen], return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[place], dtype=np.float64)


def _up(bound: float) -> str:
    """Two digits, and no less than the bound."""
    step = 10.0 ** (math.floor(math.log10(bound)) - 1)
    return f"{math.ceil(bound / step - _ROUNDING) * step:.2g}"

"""How sure a figure is: 1,000 samples drawn with replacement from each class, and the middle 95 % of what they give.

Rows that answer one prompt are drawn together (the cluster bootstrap: Davison and Hinkley 1997, section 3.8; Field and
Welsh 2007): drawn apart they would pass for as many prompts, and the interval be far too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.evaluation.cases import Cases, Numbers
from pipeline.evaluation.prompts import Groups

SAMPLES = 1000
SEED = 0
_AT_ONCE = 100

Interval = tuple[float, float]
Statistic = Callable[[Cases, Numbers], Numbers]
"""A figure for each row of weights, where a weight says how often a case was drawn."""


def auroc_interval(cases: Cases) -> Interval:
    return _interval(cases, weighted_auroc)


def f1_interval(cases: Cases) -> Interval:
    return _interval(cases, weighted_f1)


def paired_interval(one: Cases, other: Cases, statistic: Statistic) -> Interval:
    """Of `one` − `other`, two answers to the same cases, drawn together."""
    return _middle(statistic(one, w) - statistic(other, w) for w in _draws(one))


def weighted_auroc(cases: Cases, weights: Numbers) -> Numbers:
    """Of decided cases: the share of pairs in the right order, ties counting half."""
    order = np.argsort(cases.scores, kind="stable")
    _, starts = np.unique(cases.scores[order], return_index=True)
    drawn = weights[:, order]
    positive = np.add.reduceat(drawn * cases.labels[order], starts, axis=1)
    negative = np.add.reduceat(drawn * ~cases.labels[order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    won: Numbers = (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))
    return won


def weighted_f1(cases: Cases, weights: Numbers) -> Numbers:
    found = weights @ (cases.labels & cases.broken)
    wrong = weights @ (cases.labels != cases.broken)
    f1: Numbers = 2 * found / np.maximum(2 * found + wrong, 1)
    return f1


def _interval(cases: Cases, statistic: Statistic) -> Interval:
    return _middle(statistic(cases, weights) for weights in _draws(cases))


def _middle(parts: Iterator[Numbers]) -> Interval:
    low, high = np.quantile(np.concatenate(list(parts)), [0.025, 0.975])
    return float(low), float(high)


def _draws(cases: Cases) -> Iterator[Numbers]:
    """Weights of `SAMPLES` samples, some at a time: as many groups of each kind as there are."""
    rng = np.random.default_rng(SEED)
    kinds = list(_kinds(cases))
    for _ in range(SAMPLES // _AT_ONCE):
        weights = np.zeros((_AT_ONCE, len(cases)))
        for members, groups in kinds:
            count = int(groups.max()) + 1
            weights[:, members] = rng.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE)[:, groups]
        yield weights


def _kinds(cases: Cases) -> Iterator[tuple[Groups, Groups]]:
    """Cases that are drawn by themselves, and their groups, numbered from 0: groups that are of one class, or of the
    other, or have some of both, so that each sample has both. Where a kind has one group, its cases are drawn."""
    alone = np.arange(len(cases))
    _, group = np.unique(alone if cases.groups is None else cases.groups, return_inverse=True)
    share = (np.bincount(group, weights=cases.labels) / np.bincount(group))[group]
    for of_kind in (share == 0, share == 1, (share > 0) & (share < 1)):
        members = np.flatnonzero(of_kind)
        groups, numbers = np.unique(group[members], return_inverse=True)
        if len(groups) > 1:
            yield members, numbers
            continue
        for label in (False, True):
            if len(own := members[cases.labels[members] == label]):
                yield own, np.arange(len(own))

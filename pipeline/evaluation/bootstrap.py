"""How sure a figure is: 1,000 samples drawn with replacement from each class, and the middle 95 % of what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.evaluation.cases import Cases, Numbers

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
    """Weights of `SAMPLES` samples, some at a time: as many cases of each class as there are."""
    rng = np.random.default_rng(SEED)
    classes = [np.flatnonzero(cases.labels == label) for label in (False, True)]
    for _ in range(SAMPLES // _AT_ONCE):
        weights = np.zeros((_AT_ONCE, len(cases)))
        for members in classes:
            count = len(members)
            weights[:, members] = rng.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE)
        yield weights

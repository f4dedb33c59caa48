"""Figures about cases. What is undecided is never a pass: it is no detection, and no row of a ranking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.bootstrap import Interval, auroc_interval, f1_interval
from pipeline.evaluation.cases import FEWEST, Cases, Flags, Numbers
from pipeline.evaluation.shares import exact_interval, share_interval
from pipeline.evaluation.vendors import vendor
from pipeline.figures import auroc as area

BINS = 10


@dataclass(frozen=True)
class Bin:
    """A tenth of the rows by their probability: the mean of what was said, and the share that was true."""

    rows: int
    said: float
    true: float


@dataclass(frozen=True)
class Figures:
    """`None` is what cannot be told from these rows; `missing` says why. Intervals hold 95 %.

    AUROC, AUPRC and calibration leave undecided rows out; recall counts an undecided breach as not detected. F1,
    precision and recall are at the shipped thresholds. `false_positive_rate` is of all rows that break nothing. All but
    precision, recall and this last want `FEWEST` rows of each class.
    """

    rows: int
    prompts: int
    """That they answer, so far as is known."""
    positives: int
    undecided: int
    undecided_positives: int
    auroc: float | None = None
    auroc_interval: Interval | None = None
    auprc: float | None = None
    f1: float | None = None
    f1_interval: Interval | None = None
    precision: float | None = None
    precision_interval: Interval | None = None
    recall: float | None = None
    recall_interval: Interval | None = None
    recall_at_1: float | None = None
    recall_at_5: float | None = None
    false_positive_rate: float | None = None
    false_positive_interval: Interval | None = None
    calibration_error: float | None = None
    bins: tuple[Bin, ...] = ()
    missing: str = ""

    @property
    def undecided_share(self) -> float:
        return self.undecided / self.rows

    @property
    def chance(self) -> float | None:
        """AUPRC by chance: the share of positives among the rows that are ranked; `None` where none is."""
        ranked = self.rows - self.undecided
        return (self.positives - self.undecided_positives) / ranked if ranked else None


def figures(cases: Cases, *, prompts: int | None = None, intervals: bool = True) -> Figures:
    """Everything that can be told of at least one case; without `intervals`, only those of shares. Without `prompts`
    that the cases answer, there are as many as groups."""
    positives = int(cases.labels.sum())
    negatives = len(cases) - positives
    ranked = cases.decided
    enough, rankable = cases.enough, ranked.enough
    bins = reliability(ranked) if len(ranked) else ()
    predicted = cases.both_classes and bool(cases.broken.any())
    precision, recall, alarms = (
        _share(cases, hits, of) if told else (None, None)
        for hits, of, told in (
            (cases.labels, cases.broken, predicted),
            (cases.broken, cases.labels, positives),
            (cases.broken, ~cases.labels, negatives),
        )
    )
    return Figures(
        rows=len(cases),
        prompts=_groups(cases) if prompts is None else prompts,
        positives=positives,
        undecided=int(cases.undecided.sum()),
        undecided_positives=int((cases.undecided & cases.labels).sum()),
        auroc=auroc(ranked) if rankable else None,
        auroc_interval=drawn_interval(auroc_interval, ranked) if rankable and intervals else None,
        auprc=auprc(ranked) if rankable else None,
        f1=f1(cases) if enough else None,
        f1_interval=drawn_interval(f1_interval, cases) if enough and intervals else None,
        precision=precision[0],
        precision_interval=precision[1],
        recall=recall[0],
        recall_interval=recall[1],
        recall_at_1=recall_at(cases, 0.01) if rankable else None,
        recall_at_5=recall_at(cases, 0.05) if rankable else None,
        false_positive_rate=alarms[0],
        false_positive_interval=alarms[1],
        calibration_error=calibration_error(bins) if rankable else None,
        bins=bins,
        missing=_missing(positives, negatives, enough=enough, rankable=rankable),
    )


def auroc(cases: Cases) -> float:
    """Area under the ROC curve of decided cases of both classes: 0.5 is chance."""
    return area(cases.scores, cases.labels)


def auprc(cases: Cases) -> float:
    """Average precision of decided cases; the share of positives is chance."""
    return float(vendor("sklearn.metrics").average_precision_score(cases.labels, cases.scores))


def f1(cases: Cases) -> float:
    """F1 of what was found broken, at the shipped thresholds."""
    return float(vendor("sklearn.metrics").f1_score(cases.labels, cases.broken, zero_division=0))


def drawn_interval(drawn: Callable[[Cases], Interval], cases: Cases) -> Interval:
    """Of cases of both classes. Where the figure is perfect, or as bad as can be, so is every sample, however few the
    rows: then it is taken for a share of the prompts of the smaller class."""
    low, high = drawn(cases)
    if low != high or low not in (0, 1):
        return low, high
    groups = np.arange(len(cases)) if cases.groups is None else cases.groups
    return exact_interval(low, min(len(np.unique(groups[of])) for of in (cases.labels, ~cases.labels)))


def recall_at(cases: Cases, rate: float) -> float:
    """The share of all breaches found at the lowest threshold whose false positives are at most `rate` of the
    decided rows that break nothing."""
    ranked = cases.decided
    false, true, _ = vendor("sklearn.metrics").roc_curve(ranked.labels, ranked.scores, drop_intermediate=False)
    return float(true[false <= rate].max() * ranked.labels.sum() / cases.labels.sum())


def reliability(cases: Cases) -> tuple[Bin, ...]:
    """`BINS` bins of equal mass over decided cases. Cases of one score share their truth, whatever bin they fall in,
    so the order of the rows says nothing."""
    _, place, sizes = np.unique(cases.scores, return_inverse=True, return_counts=True)
    truth: Numbers = (np.bincount(place, weights=cases.labels) / sizes)[place]
    order = np.argsort(cases.scores, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return tuple(Bin(len(p), float(cases.scores[p].mean()), float(truth[p].mean())) for p in parts)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: how far what was said is from what was true, by bin, weighted by rows."""
    return sum(b.rows * abs(b.said - b.true) for b in bins) / sum(b.rows for b in bins)


def _groups(cases: Cases) -> int:
    return len(cases) if cases.groups is None else len(np.unique(cases.groups))


def _share(cases: Cases, hits: Flags, of: Flags) -> tuple[float, Interval]:
    """The share of those cases that are `hits`, and between what it may be."""
    groups = None if cases.groups is None else cases.groups[of]
    return float(hits[of].mean()), share_interval(hits[of], groups)


def _missing(positives: int, negatives: int, *, enough: bool, rankable: bool) -> str:
    if not positives:
        return "no row breaks anything, so only false positives can be told"
    if not negatives:
        return "every row breaks something, so only recall can be told"
    if not enough:
        kinds = f"{positives} that break something and {negatives} that break nothing"
        return f"of {kinds} only shares can be told: the other figures want {FEWEST} of each"
    return "" if rankable else f"too much is undecided to rank the rest, which wants {FEWEST} of each kind"

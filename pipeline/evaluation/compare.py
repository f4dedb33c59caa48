"""Two runs over the same rows, compared row by row: the differences that chance between rows would hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.evaluation.bootstrap import Interval, paired_interval, weighted_auroc, weighted_f1
from pipeline.evaluation.cases import Cases, Flags, of_exchanges
from pipeline.evaluation.flips import sign_flips
from pipeline.evaluation.judged import Judged
from pipeline.evaluation.metrics import auroc, f1
from pipeline.evaluation.pairs import paired
from pipeline.evaluation.prompts import Groups, together
from pipeline.evaluation.vendors import vendor

Test = Literal["McNemar", "sign flips by prompt"]


@dataclass(frozen=True)
class Comparison:
    """This run minus the other, over the `rows` that both have; AUROC over the `ranked` that both decided.

    `only_this` and `only_other` count rows that one run gets right and the other does not, undecided being never right;
    `p` is the chance of so uneven a split between equals, two-sided and exact: by McNemar's test where each row has its
    own prompt, else by flipping what comes of each prompt as a whole.
    """

    rows: int
    ranked: int
    only_here: int
    """Rows of this run that the other one lacks."""
    only_there: int
    auroc: float | None
    auroc_interval: Interval | None
    f1: float | None
    f1_interval: Interval | None
    only_this: int
    only_other: int
    p: float
    test: Test


def compared(this: Sequence[Judged], other: Sequence[Judged]) -> Comparison:
    """Compare the rows that both have. Raises `BadInput` as `paired` does."""
    pairs = paired(this, other)
    one, two = of_exchanges([here for here, _ in pairs]), of_exchanges([there for _, there in pairs])
    decided = ~one.undecided & ~two.undecided
    first, second = one.where(decided), two.where(decided)
    right, theirs_right = _right(one), _right(two)
    only_this, only_other = int((right & ~theirs_right).sum()), int((theirs_right & ~right).sum())
    p, test = _chance(one.groups, right, theirs_right)
    ranked, classed = first.enough, one.enough
    return Comparison(
        rows=len(pairs),
        ranked=len(first),
        only_here=len(this) - len(pairs),
        only_there=len(other) - len(pairs),
        auroc=auroc(first) - auroc(second) if ranked else None,
        auroc_interval=paired_interval(first, second, weighted_auroc) if ranked else None,
        f1=f1(one) - f1(two) if classed else None,
        f1_interval=paired_interval(one, two, weighted_f1) if classed else None,
        only_this=only_this,
        only_other=only_other,
        p=p,
        test=test,
    )


def mcnemar(one: int, other: int) -> float:
    """The two-sided exact probability of so uneven a split, or a more uneven one, were both sides as likely."""
    return min(1.0, 2 * float(vendor("scipy.stats").binom.cdf(min(one, other), one + other, 0.5)))


def _chance(groups: Groups | None, right: Flags, theirs_right: Flags) -> tuple[float, Test]:
    """Of so uneven a split between equals, and by which test."""
    if groups is None or not together(groups):
        return mcnemar(int((right & ~theirs_right).sum()), int((theirs_right & ~right).sum())), "McNemar"
    _, group = np.unique(groups, return_inverse=True)
    more = np.bincount(group, weights=right) - np.bincount(group, weights=theirs_right)
    return sign_flips([int(rows) for rows in more]), "sign flips by prompt"


def _right(cases: Cases) -> Flags:
    right: Flags = (cases.broken == cases.labels) & ~cases.undecided
    return right

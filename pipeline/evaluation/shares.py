"""How sure a share of rows is, with rows of one prompt counted for no more than they tell.

Exact (Clopper and Pearson 1934), for as many rows as would tell as much were each of its own prompt (Korn and Graubard
1998). A bootstrap would give none or all of few rows an interval without width.
"""

from __future__ import annotations

import numpy as np

from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.cases import Flags
from pipeline.evaluation.prompts import Groups
from pipeline.evaluation.vendors import vendor

_TAIL = 0.025


def share_interval(hits: Flags, groups: Groups | None = None) -> Interval:
    """95 %, of the share of at least one row that are `hits`."""
    share = float(hits.mean())
    return exact_interval(share, _worth(hits, share, groups))


def exact_interval(share: float, rows: float) -> Interval:
    """95 %, of a share of so many rows, which need be no whole number."""
    if share in (0, 1):
        least = _TAIL ** (1 / rows)
        return (least, 1.0) if share else (0.0, 1 - least)
    beta, found = vendor("scipy.stats").beta, share * rows
    low, high = beta.ppf([_TAIL, 1 - _TAIL], [found, found + 1], [rows - found + 1, rows - found])
    return float(low), float(high)


def _worth(hits: Flags, share: float, groups: Groups | None) -> float:
    """How many rows, each of its own prompt, would tell as much."""
    rows = len(hits)
    if groups is None or (prompts := len(np.unique(groups))) == rows:
        return rows
    if prompts == 1 or share in (0, 1):
        return prompts  # how alike replies to one prompt are cannot be seen
    _, place = np.unique(groups, return_inverse=True)
    strays = np.bincount(place, weights=hits - share)
    variance = prompts / (prompts - 1) * float((strays**2).sum()) / rows**2
    quantile = vendor("scipy.stats").t.ppf
    fewer = (quantile(1 - _TAIL, rows - 1) / quantile(1 - _TAIL, prompts - 1)) ** 2
    return float(min(rows, fewer * share * (1 - share) / variance)) if variance else rows

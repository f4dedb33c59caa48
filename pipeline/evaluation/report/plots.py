"""Three plots of how well the critics tell broken from kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.evaluation.cases import Cases, Numbers
from pipeline.evaluation.measure import Part
from pipeline.evaluation.metrics import auprc, auroc
from pipeline.evaluation.vendors import vendor
from pipeline.pages import BASELINE, CRITIC, FAINT, INK, canvas, svg
from pipeline.rounding import number

_POINTS = 300
"""Of a curve: more cannot be seen, and would make the page heavy."""

Curve = Callable[[Cases], tuple[Numbers, Numbers]]


def plots(part: Part, key: str) -> list[str]:
    """ROC, precision against recall, and reliability, each an `svg` element; none where the rows cannot be ranked.

    `key` makes the ids in them unique on the page.
    """
    if part.figures.auroc is None:
        return []
    return [_roc(part, f"{key}-roc"), _precision(part, f"{key}-pr"), _reliability(part, f"{key}-cal")]


def _roc(part: Part, key: str) -> str:
    figure, axes = _unit("false-positive rate", "recall")
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="chance")
    areas = _curves(axes, part, _roc_curve, auroc, "default")
    return svg(figure, key, f"ROC curve of {part.name}. Area under it: {areas}; chance is 0.5.")


def _precision(part: Part, key: str) -> str:
    figure, axes = _unit("recall", "precision")
    share = part.figures.chance
    axes.plot([0, 1], [share, share], color=FAINT, linestyle=":", label="chance")
    areas = _curves(axes, part, _pr_curve, auprc, "steps-post")
    return svg(figure, key, f"Precision against recall of {part.name}. Area: {areas}; chance is {number(share)}.")


def _reliability(part: Part, key: str) -> str:
    figure, axes = _unit("said: mean probability", "true: share broken")
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfect")
    bins = part.figures.bins
    said, true = [b.said for b in bins], [b.true for b in bins]
    axes.plot(said, true, color=CRITIC, marker="o", markersize=4, label="critics")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, loc="upper left")
    pairs = ", ".join(f"{number(b.said)} was {number(b.true)}" for b in bins)
    error = number(part.figures.calibration_error)
    return svg(figure, key, f"Reliability of {part.name}, calibration error {error}. Said and true by bin: {pairs}.")


def _curves(axes: Any, part: Part, curve: Curve, area: Callable[[Cases], float], style: str) -> str:
    """Draw the critics and the bag of words; their areas in words."""
    told = []
    shown = [("critics", part.cases.decided, CRITIC, "-")]
    if "bag of words" in part.baselines:
        shown.append(("bag of words", part.baselines["bag of words"], BASELINE, "--"))
    for name, cases, colour, dashes in shown:
        x, y = curve(cases)
        axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.8, drawstyle=style, label=name)
        told.append(f"{name} {number(area(cases))}")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, loc="best")
    return ", ".join(told)


def _roc_curve(cases: Cases) -> tuple[Numbers, Numbers]:
    x, y, _ = vendor("sklearn.metrics").roc_curve(cases.labels, cases.scores)
    return _thinned(x, y)


def _pr_curve(cases: Cases) -> tuple[Numbers, Numbers]:
    precision, recall, _ = vendor("sklearn.metrics").precision_recall_curve(cases.labels, cases.scores)
    return _thinned(recall, precision)


def _thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int))
    return x[kept], y[kept]


def _unit(across: str, up: str) -> tuple[Any, Any]:
    """A canvas for shares, both ways."""
    figure, axes = canvas(across, up)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return figure, axes

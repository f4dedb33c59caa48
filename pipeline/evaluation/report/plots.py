"""Three plots as inline SVG. Colours are the page's own, so that they change with its mode."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np

from pipeline.evaluation.cases import Cases, Numbers
from pipeline.evaluation.measure import Part
from pipeline.evaluation.metrics import auprc, auroc
from pipeline.evaluation.vendors import vendor

_COLOURS = {"#010101": "ink", "#020202": "line", "#030303": "critic", "#040404": "baseline", "#050505": "faint"}
INK, LINE, CRITIC, BASELINE, FAINT = _COLOURS
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
    figure, axes = _canvas("false-positive rate", "recall")
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="chance")
    areas = _curves(axes, part, _roc_curve, auroc, "default")
    return _svg(figure, key, f"ROC curve of {part.name}. Area under it: {areas}; chance is 0.5.")


def _precision(part: Part, key: str) -> str:
    figure, axes = _canvas("recall", "precision")
    share = part.figures.positives / part.figures.rows
    axes.plot([0, 1], [share, share], color=FAINT, linestyle=":", label="chance")
    areas = _curves(axes, part, _pr_curve, auprc, "steps-post")
    return _svg(figure, key, f"Precision against recall of {part.name}. Area: {areas}; chance is {share:.2f}.")


def _reliability(part: Part, key: str) -> str:
    figure, axes = _canvas("said: mean probability", "true: share broken")
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfect")
    bins = part.figures.bins
    said, true = [b.said for b in bins], [b.true for b in bins]
    axes.plot(said, true, color=CRITIC, marker="o", markersize=4, label="critics")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, loc="upper left")
    pairs = ", ".join(f"{b.said:.2f} was {b.true:.2f}" for b in bins)
    error = part.figures.calibration_error
    return _svg(
        figure, key, f"Reliability of {part.name}, calibration error {error:.2f}. Said and true by bin: {pairs}."
    )


def _curves(axes: Any, part: Part, curve: Curve, area: Callable[[Cases], float], style: str) -> str:
    """Draw the critics and the bag of words; their areas in words."""
    told = []
    shown = [("critics", part.cases.decided, CRITIC, "-")]
    if "bag of words" in part.baselines:
        shown.append(("bag of words", part.baselines["bag of words"], BASELINE, "--"))
    for name, cases, colour, dashes in shown:
        x, y = curve(cases)
        axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.8, drawstyle=style, label=name)
        told.append(f"{name} {area(cases):.2f}")
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


def _canvas(across: str, up: str) -> tuple[Any, Any]:
    figure = vendor("matplotlib.figure").Figure(figsize=(3.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=across, ylabel=up)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=LINE, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    return figure, axes


def _svg(figure: Any, key: str, title: str) -> str:
    out = StringIO()
    with vendor("matplotlib").rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", drawn)  # names of parts that nothing refers to
    for colour, name in _COLOURS.items():
        drawn = drawn.replace(colour, f"var(--{name})")
    box = re.search(r'viewBox="[^"]+"', drawn)
    head = f'<svg role="img" aria-labelledby="{key}" {box.group() if box else ""} xmlns="http://www.w3.org/2000/svg"'
    head += ' xmlns:xlink="http://www.w3.org/1999/xlink">'
    return re.sub(r"<svg[^>]*>", lambda _: f'{head}<title id="{key}">{html.escape(title)}</title>', drawn, count=1)

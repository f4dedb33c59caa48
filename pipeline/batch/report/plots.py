"""Two pictures of a batch: how many drafts its records took, and which rules they broke."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.batch.report.counts import Counts
from pipeline.pages import BASELINE, CRITIC, FAINT, INK, canvas, svg

MOST = 15
"""Rules in a picture; the table has all of them."""
_STATUSES = {"released": CRITIC, "withheld": BASELINE, "faulted": FAINT}


def plots(counts: Counts) -> list[str]:
    """Each an `svg` element; none where nothing was drafted, or nothing broken."""
    return [drawn for drawn in (_attempts(counts), _rules(counts)) if drawn]


def _attempts(counts: Counts) -> str:
    if not counts.drafts:
        return ""
    numbers = range(min(drafts for _, _, drafts in counts.ends), max(drafts for _, _, drafts in counts.ends) + 1)
    by_status: dict[str, Counter[int]] = {}
    for (status, _, drafts), count in counts.ends.items():
        by_status.setdefault(status, Counter())[drafts] += count
    figure, axes = canvas("drafts that a prompt took", "prompts", width=4.2)
    base, told = [0] * len(numbers), []
    for status, colour in _STATUSES.items():
        if status in by_status:
            heights = [by_status[status][number] for number in numbers]
            axes.bar(numbers, heights, bottom=base, width=0.7, color=colour, label=status)
            base = [below + own for below, own in zip(base, heights, strict=True)]
            told.append(f"{status} {', '.join(f'{h:,} with {n}' for n, h in zip(numbers, heights, strict=True) if h)}")
    _integers(axes.xaxis, axes.yaxis)
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)
    figure.legend(frameon=False, labelcolor=INK, fontsize=9, loc="outside upper left", ncols=3)
    return svg(figure, "attempts", f"How many drafts the prompts took: {'; '.join(told)}.")


def _rules(counts: Counts) -> str:
    broken = sorted(((own.broken, rule) for rule, own in counts.rules.items() if own.broken), reverse=True)[:MOST]
    if not broken:
        return ""
    figure, axes = canvas("drafts that broke the rule", "", width=4.2, height=max(1.6, 0.9 + 0.3 * len(broken)))
    numbers = [number for number, _ in broken]
    bars = axes.barh(range(len(broken)), numbers, height=0.65, color=BASELINE)
    axes.bar_label(bars, labels=[f"{number:,}" for number in numbers], padding=3, fontsize=9, color=INK)
    axes.set_yticks(range(len(broken)), [_short(rule) for _, rule in broken])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    _integers(axes.xaxis)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    told = ", ".join(f"{rule} {number:,}" for number, rule in broken)
    return svg(figure, "rules", f"Drafts by the rule that they broke: {told}.")


def _integers(*along: Any) -> None:
    for axis in along:
        axis.get_major_locator().set_params(integer=True)
        axis.set_major_formatter("{x:,.0f}")


def _short(rule: str) -> str:
    return rule if len(rule) <= 28 else rule[:27] + "…"

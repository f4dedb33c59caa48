"""How good what was trained is, as a table for a terminal and for a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from pipeline.evaluation.words import span
from pipeline.rounding import number
from pipeline.training.area import Area
from pipeline.training.heads import TrainedProbe

if TYPE_CHECKING:
    from pipeline.training.judge_adapter import Trained

Figures = Sequence[Sequence[str]]
"""A row of headings, then the others."""


def of_heads(told: TrainedProbe) -> Figures:
    """Of a probe: a row for each rule."""
    rows = [(head.rule, str(head.learnt), str(head.held), _area(head.area)) for head in told.heads]
    return [("rule", "rows learnt", "held out", "AUROC on these (95 %)"), *rows]


def of_adapter(trained: Trained) -> Figures:
    """Of a judge's adapter: a row for each source of rows, and one for all."""
    rows = [
        (source, str(count), str(labels), _area(able), f"{loss:.3f}")
        for source, (count, labels, able, loss) in trained.by_source.items()
    ]
    last = ("all", str(trained.held), "", _area(trained.area), f"{trained.log_loss:.3f}")
    return [("held-out rows of", "rows", "labels", "AUROC (95 %)", "log loss"), *rows, last]


def table(figures: Figures) -> Table:
    """For a terminal."""
    head, *body = figures
    found = Table(*head, box=box.SIMPLE_HEAD)
    for row in body:
        found.add_row(*row)
    return found


def _area(found: Area) -> str:
    """With its interval: of few rows alone it would say more than they do."""
    if found.auroc != found.auroc:
        return "one class"
    return f"{number(found.auroc)} ({span(found.interval) or 'too few rows to say how sure'})"

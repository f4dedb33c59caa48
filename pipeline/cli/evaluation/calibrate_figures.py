"""What came of a calibration, as tables on a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table

from pipeline.cli.terminal.fitting import Fitting
from pipeline.cli.terminal.reporting import stdout
from pipeline.evaluation.calibrating import Calibrated
from pipeline.evaluation.words import span
from pipeline.rounding import number


def show(done: Sequence[Calibrated]) -> None:
    """Print what was changed, from what to what."""
    console = stdout()
    for table, titles in ((_rules, 1), (_sure, 1), (_critics, 2)):
        console.print(Fitting(table(done), titles))
        console.print()
    console.print("After the arrow: cross-validated. Calibration error: 10 bins of equal mass.", style="dim")


def beyond(given: Calibrated, max_fpr: float) -> str:
    """What to say where more false positives were found than the bound, among rows that the threshold did not know."""
    found = given.after.false_positive_rate
    if found is None or found <= max_fpr:
        return ""
    return (
        f"{given.rule.id}: cross-validated, {number(found)} of the rows that keep it are found broken (95 %: "
        f"{span(given.after.false_positive_interval)}), more than {max_fpr:.3g}: give a lower bound or more rows"
    )


def plain(given: Calibrated) -> dict[str, Any]:
    """A rule's figures as JSON has them."""
    critics = [
        {**asdict(f), "calibration": f.calibration and f.calibration.model_dump(mode="json", exclude_none=True)}
        for f in given.critics
    ]
    return {
        "rule": given.rule.id,
        "threshold": {"before": given.rule.threshold, "after": given.threshold},
        "critics": critics,
        "before": asdict(given.before),
        "after": asdict(given.after),
    }


def _rules(done: Sequence[Calibrated]) -> Table:
    table = _table("rule", "threshold", "F1", "recall", "false positives")
    for given in done:
        before, after = given.before, given.after
        table.add_row(
            given.rule.id,
            f"{given.rule.threshold:g} → {given.threshold:g}",
            _change(before.f1, after.f1),
            _change(before.recall, after.recall),
            _change(before.false_positive_rate, after.false_positive_rate),
        )
    return table


def _sure(done: Sequence[Calibrated]) -> Table:
    table = _table("rule, after", "rows", "broken", "recall", "95 %", "false positives", "95 %")
    for given in done:
        f = given.after
        recall, alarms = span(f.recall_interval), span(f.false_positive_interval)
        counts = str(f.rows), str(f.positives)
        table.add_row(given.rule.id, *counts, number(f.recall), recall, number(f.false_positive_rate), alarms)
    return table


def _critics(done: Sequence[Calibrated]) -> Table:
    table = _table("rule", "critic", "method", "calib. error", "log loss")
    for given in done:
        for f in given.critics:
            errors = _change(f.before.calibration_error, f.after.calibration_error)
            losses = f"{f.before.log_loss:.3f} → {f.after.log_loss:.3f}"
            table.add_row(given.rule.id, f.critic, f.method or "as it is", errors, losses)
    return table


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for title in titles:
        words = title in ("rule", "rule, after", "critic", "method")
        table.add_column(title, justify="left" if words else "right", no_wrap=True)
    return table


def _change(before: float | None, after: float | None) -> str:
    return f"{number(before)} → {number(after)}"

"""An evaluation as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.cli.terminal.fitting import Fitting
from pipeline.cli.terminal.reporting import say, stdout
from pipeline.evaluation import Evaluation, Part, figures
from pipeline.evaluation.compare import Comparison
from pipeline.evaluation.words import chance, costs, span
from pipeline.rounding import number


def show(evaluation: Evaluation) -> None:
    """Print what was measured; what a reader must know of it goes to standard error."""
    console = stdout()
    for table in (_ranking, _deciding, _at_others, _costing):
        console.print(Fitting(table(evaluation.parts)))
        console.print()
    if evaluation.comparison:
        console.print(Fitting(_compared(evaluation.comparison)))
        console.print()
    console.print("Intervals: 95 %. Calibration error: 10 bins of equal mass. Baselines: AUROC, F1.", style="dim")
    for note in evaluation.notes:
        say(f"note: {note}", style="yellow")
    for part in evaluation.parts:
        if part.figures.missing:
            say(f"{part.name}: {part.figures.missing}")
    for part in evaluation.parts:
        if part.mistakes and part.kind == "set":
            ids = ", ".join(f"{m.id} ({m.kind}, {number(m.probability)})" for m in part.mistakes)
            say(f"{part.name}, surest and wrong: {ids}")


def _ranking(parts: Iterable[Part]) -> Table:
    table = _table("", "rows", "prompts", "broken", "AUROC", "95 %", "F1", "95 %")
    for part in parts:
        f = part.figures
        intervals = span(f.auroc_interval), span(f.f1_interval)
        counts = str(f.rows), str(f.prompts), str(f.positives)
        table.add_row(Text(part.name), *counts, number(f.auroc), intervals[0], number(f.f1), intervals[1])
    return table


def _deciding(parts: Iterable[Part]) -> Table:
    table = _table("", "precision", "95 %", "recall", "95 %", "false pos.", "95 %")
    for part in parts:
        f = part.figures
        told = (
            (f.precision, f.precision_interval),
            (f.recall, f.recall_interval),
            (f.false_positive_rate, f.false_positive_interval),
        )
        table.add_row(Text(part.name), *(cell for figure, sure in told for cell in (number(figure), span(sure))))
    return table


def _at_others(parts: Iterable[Part]) -> Table:
    table = _table("", "recall at 1 %", "at 5 %", "AUPRC", "calib.", "undecided")
    for part in parts:
        f = part.figures
        told = f.recall_at_1, f.recall_at_5, f.auprc, f.calibration_error, f.undecided_share
        table.add_row(Text(part.name), *map(number, told))
    return table


def _costing(parts: Iterable[Part]) -> Table:
    table = _table("", "tokens", "time", "refusals", "bag of words")
    for part in parts:
        told = costs(part)[0].removesuffix(" tokens"), costs(part)[1]
        baselines = (_baseline(part, name) for name in ("refusal phrases", "bag of words"))
        table.add_row(Text(part.name), *told, *baselines)
    return table


def _baseline(part: Part, name: str) -> str:
    cases = {str(key): cases for key, cases in part.baselines.items()}.get(name)
    if cases is None:
        return number(None)
    own = figures(cases, intervals=False)
    return f"{number(own.auroc)}, {number(own.f1)}"


def _compared(given: Comparison) -> Table:
    table = _table("this − other", "", "95 %")
    table.add_row("AUROC", number(given.auroc, signed=True), span(given.auroc_interval, signed=True))
    table.add_row("F1", number(given.f1, signed=True), span(given.f1_interval, signed=True))
    table.add_row("only this right", str(given.only_this), "")
    table.add_row("only the other right", str(given.only_other), chance(given))
    table.add_row("rows that both have", str(given.rows), f"{given.ranked} decided by both")
    table.add_row("rows of one alone", str(given.only_here + given.only_there), f"{given.only_here} of them this")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if table.columns else "left", no_wrap=True)
    return table

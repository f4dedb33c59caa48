"""The page. Everything that came from data is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.compare import Comparison
from pipeline.evaluation.measure import Evaluation, Part
from pipeline.evaluation.metrics import figures
from pipeline.evaluation.mistakes import Mistake
from pipeline.evaluation.report.plots import plots
from pipeline.evaluation.words import chance, costs, span
from pipeline.pages import card, cards, document, table
from pipeline.rounding import number

_KINDS = {"set": "Data set", "all": "All rows", "rule": "Rule"}
_HEADS = ("", "rows", "broken", "AUROC", "F1", "precision", "recall", "false positives", "undecided")
_HOW = (
    "A row counts as found where some rule is broken at the manifesto's thresholds, flags included. What is undecided "
    "is never a pass: such a breach counts as not detected, and rankings (AUROC, AUPRC, calibration) leave it out. "
    "Calibration error is over 10 bins of equal mass. Intervals are of 95 %: those of AUROC and F1 hold so many of "
    "1,000 samples drawn with replacement from each class, replies to one prompt together; those of precision, recall "
    "and false positives are exact, and replies to one prompt count for fewer rows the more alike they fare. A bag of "
    "words is TF-IDF and logistic regression on the same rows, each judged by a model of the other four fifths; "
    "refusal phrases take every reply without one for a breach."
)


def page(evaluation: Evaluation) -> str:
    """A document of its own, with plots inside. Raises `ExtraMissing` without matplotlib."""
    manifesto = evaluation.manifesto
    by = f" Only {escape(', '.join(evaluation.critics))}." if evaluation.critics else ""
    body = [
        f'<p class="dim">Version {escape(manifesto.version)}, {manifesto.hash[:12]}.{by}</p>',
        *(f'<p class="note">{escape(note)}</p>' for note in evaluation.notes),
        _overview(evaluation.parts),
        _comparison(evaluation.comparison) if evaluation.comparison else "",
        f'<p class="dim">{_HOW}</p>',
        *(_part(part, f"part{index}") for index, part in enumerate(evaluation.parts)),
    ]
    return document(f"How good are the critics of {manifesto.name}?", body)


def _overview(parts: Iterable[Part]) -> str:
    rows = []
    for index, part in enumerate(parts):
        f = part.figures
        told = [f"{f.rows:,}", f"{f.positives:,}", _number(f.auroc), _number(f.f1), _number(f.precision)]
        told += [_number(f.recall), _number(f.false_positive_rate), _number(f.undecided_share)]
        rows.append((f'<a href="#part{index}" style="color:var(--critic)">{escape(part.name)}</a>', told))
    return table("Overview", _HEADS, rows)


def _part(part: Part, key: str) -> str:
    f = part.figures
    shown = [
        card("rows", f"{f.rows:,}", f"{f.positives:,} broken in truth; {f.prompts:,} prompts"),
        card("AUROC", _number(f.auroc), _span(f.auroc_interval)),
        card("AUPRC", _number(f.auprc), f"chance {_number(f.chance)}"),
        card("F1", _number(f.f1), _span(f.f1_interval)),
        card("precision", _number(f.precision), _span(f.precision_interval)),
        card("recall", _number(f.recall), _span(f.recall_interval)),
        card("recall at 1 %", _number(f.recall_at_1), "false positives"),
        card("recall at 5 %", _number(f.recall_at_5), "false positives"),
        card("false positives", _number(f.false_positive_rate), _span(f.false_positive_interval)),
        card("calibration error", _number(f.calibration_error), "10 bins of equal mass"),
        card("undecided", _number(f.undecided_share), f"{f.undecided} rows, {f.undecided_positives} broken"),
        card("a judgement", *costs(part)),
    ]
    for name, cases in part.baselines.items():
        own = figures(cases, intervals=False)
        shown.append(card(name, f"F1 {_number(own.f1)}", f"AUROC {_number(own.auroc)}"))
    drawn = plots(part, key)
    return "\n".join(
        [
            f'<section id="{key}">',
            f"<h2>{_KINDS[part.kind]}: {escape(part.name)}</h2>" if part.kind != "all" else "<h2>All rows</h2>",
            f'<p class="note">{escape(f.missing)}</p>' if f.missing else "",
            cards(shown),
            f'<div class="plots">{"".join(drawn)}</div>' if drawn else "",
            _mistakes(part.mistakes),
            "</section>",
        ]
    )


def _mistakes(mistakes: Iterable[Mistake]) -> str:
    shown = "".join(
        f"<details><summary>{m.kind}, breach {_number(m.probability)}: {escape(m.set)}, {escape(str(m.id))}"
        f"{escape(f' ({m.category})' if m.category else '')}</summary>"
        f"<blockquote>{escape(m.text)}</blockquote>"
        + (f"<blockquote>{escape(m.response)}</blockquote>" if m.response is not None else "")
        + "</details>"
        for m in mistakes
    )
    return f"<details><summary>Worst mistakes (may show harmful text)</summary>{shown}</details>" if shown else ""


def _comparison(given: Comparison) -> str:
    rows = [
        ("AUROC", _number(given.auroc, signed=True), _span(given.auroc_interval, signed=True)),
        ("F1", _number(given.f1, signed=True), _span(given.f1_interval, signed=True)),
        ("only this run right", str(given.only_this), ""),
        ("only the other right", str(given.only_other), escape(chance(given))),
    ]
    told = (
        f"Over {given.rows:,} rows that both have, {given.ranked:,} of them decided by both. This run minus the other. "
        f"Left out: {given.only_here:,} rows that only this run has, and {given.only_there:,} that only the other has."
    )
    shown = cards(card(*row) for row in rows)
    return f'<section><h2>Compared with another run</h2><p class="dim">{told}</p>{shown}</section>'


def _number(value: float | None, *, signed: bool = False) -> str:
    return escape(number(value, signed=signed))


def _span(interval: Interval | None, *, signed: bool = False) -> str:
    return escape(span(interval, signed=signed))

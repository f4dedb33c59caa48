"""`--trace`: each attempt, with its rules as a table that a person enjoys reading."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from critics import Judgement, Manifesto, Verdict
from pipeline.cli.terminal.fitting import Fitting
from pipeline.loop import STOPS, Attempt, Observer, Outcome
from pipeline.rounding import NOT_TOLD, against

_MARKS = {"pass": ("✓", "green"), "broken": ("✗", "red"), "undecided": ("?", "yellow")}
_WORDS = {
    "pass": ("passes", "green"),
    "revise": ("goes back", "yellow"),
    "veto": ("vetoed", "red"),
    "undecided": ("undecided", "yellow"),
}
_FRAME = 6
"""Cells that a frame leaves to its corners and to the spaces around a title."""


def working(console: Console, *, quiet: bool) -> AbstractContextManager[object]:
    """A spinner while there is nothing else to see."""
    return nullcontext() if quiet or not console.is_terminal else console.status("thinking …")


def observer(console: Console, manifesto: Manifesto) -> Observer:
    """Shows each attempt as soon as it is judged."""

    def observe(attempt: Attempt) -> None:
        console.print(_attempt(attempt, manifesto))

    return observe


def show_end(console: Console, outcome: Outcome) -> None:
    """What came of it all, and what it cost."""
    if outcome.input_verdict:
        console.print(Panel(_table(outcome.input_verdict), title="the prompt", title_align="left", border_style="dim"))
    style = {"released": "bold green", "withheld": "bold red", "faulted": "bold red"}[outcome.status]
    cost = outcome.cost
    generator, critic = cost.generator, cost.critic
    line = Text.assemble(
        (outcome.status, style),
        f": {STOPS[outcome.stop_reason]}; {len(outcome.attempts)} "
        f"{'attempt' if len(outcome.attempts) == 1 else 'attempts'}, {cost.seconds:.1f} s, seed {outcome.seed}. ",
        (
            f"Tokens read and written: generator {generator.prompt_tokens} and {generator.completion_tokens}, "
            f"critics {critic.prompt_tokens} and {critic.completion_tokens}.",
            "dim",
        ),
    )
    console.print(line)


@dataclass(frozen=True)
class _Framed:
    """In a frame that says how it went; where it is too narrow for that, inside of it."""

    title: Text
    body: RenderableType
    subtitle: Text
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if max(self.title.cell_len, self.subtitle.cell_len) > options.max_width - _FRAME:
            yield Panel(Group(self.title, self.body, self.subtitle), border_style=self.style)
        else:
            yield Panel(
                self.body,
                title=self.title,
                title_align="left",
                subtitle=self.subtitle,
                subtitle_align="right",
                border_style=self.style,
            )


def _attempt(attempt: Attempt, manifesto: Manifesto) -> _Framed:
    word, style = _WORDS[attempt.verdict.outcome]
    when = " while it was written" if attempt.finish in ("vetoed", "stopped") else ""
    score = attempt.verdict.score
    title = Text.assemble(f"attempt {attempt.number} of {manifesto.budget.attempts}: ", (word + when, f"bold {style}"))
    least = manifesto.release
    shown = "" if score is None else f"score {against(score, least)}, released from {against(least, least)}"
    return _Framed(title, Group(_draft(attempt), "", _table(attempt.verdict)), Text(shown), style)


def _draft(attempt: Attempt) -> Text:
    """The text that was judged: what was kept from the attempt before is dim, offending places are red."""
    text = Text(attempt.judged.strip("\n"), overflow="fold")
    lead = len(attempt.judged) - len(attempt.judged.lstrip("\n"))
    text.stylize("dim", 0, max(0, attempt.continued_from - lead))
    for judgement in attempt.verdict.broken:
        for finding in judgement.findings:
            for start, end in finding.spans:
                text.stylize("red underline", max(0, start - lead), max(0, end - lead))
    return text


def _table(verdict: Verdict) -> Fitting:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
    table.add_column("", width=1)
    table.add_column("rule", no_wrap=True)
    table.add_column("breach", justify="right", no_wrap=True)
    table.add_column("if broken", no_wrap=True)
    table.add_column("why", ratio=1, overflow="fold")
    for judgement in verdict.judgements:
        table.add_row(*_row(judgement))
    return Fitting(table, titles=2)


def _row(judgement: Judgement) -> tuple[Text | str, ...]:
    mark, style = _MARKS[judgement.outcome]
    p = judgement.probability
    why = "" if judgement.outcome == "pass" else judgement.critique
    if judgement.disagreement is not None:
        why = "; ".join(filter(None, (why, f"its critics lie {judgement.disagreement:.2f} apart")))
    breach = NOT_TOLD if p is None else against(p, judgement.rule.threshold)
    return Text(mark, style), Text(judgement.rule.id, style), breach, judgement.rule.action, Text(why)

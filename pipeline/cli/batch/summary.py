"""What came of a batch: a table for a person, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from rich import box
from rich.table import Table

from pipeline.batch import Summary
from pipeline.cli.terminal.reporting import say, stderr

RULES = 8
"""Named at most; the report has all of them."""
FAULT_LETTERS = 300
"""Of a reason at most."""
_WIDTH = 100
"""Of a log, which has none."""

Line = tuple[str, str, str]


def tell(summary: Summary, found: Mapping[str, int], *, as_json: bool, quiet: bool) -> None:
    """`found` are drafts and findings of earlier runs, by kind. JSON goes to standard output."""
    if as_json:
        print(json.dumps({**asdict(summary), "output": str(summary.output), "cached": found}))
    elif not quiet:
        _show(summary, found)


def tell_faults(summary: Summary) -> None:
    """How many records are faulted, the first of them with line and reason, and where the others are."""
    if not (faulted := summary.statuses.get("faulted", 0)):
        return
    say(f"{faulted:,} of {summary.records:,} records are faulted:", style="red")
    for fault in summary.faults:
        # A reason may repeat what stood in the input, which is not for a terminal to obey.
        said = "".join(letter if letter.isprintable() else " " for letter in fault)
        say(f"  {said if len(said) <= FAULT_LETTERS else said[:FAULT_LETTERS] + '…'}")
    if (others := faulted - len(summary.faults)) > 0:
        say(f"  and {others:,} more: each is in {summary.output}, with its reason")


def _show(summary: Summary, found: Mapping[str, int]) -> None:
    counts = ", ".join(f"{number:,} {status}" for status, number in sorted(summary.statuses.items()))
    earlier = f" ({summary.resumed:,} were done before)" if summary.resumed else ""
    say(f"{summary.output}: {counts or 'nothing to do'}{earlier}")
    if not summary.records:
        return
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    for group in (_outcomes(summary), _attempts(summary), _rules(summary), _tokens(summary, found)):
        for line in group:
            table.add_row(*line)
        table.add_section()
    console = stderr()
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(table)
    for rule in list({**summary.inputs_undecided, **summary.undecided})[:RULES]:
        console.print(f"  {rule} was left undecided: {summary.why[rule]}", soft_wrap=True)


def _outcomes(summary: Summary) -> Iterator[Line]:
    released = summary.statuses.get("released", 0)
    yield _counted("released", released, summary.records)
    yield _counted("  at the first draft", released - summary.revised, summary.records)
    yield _counted("  revised", summary.revised, summary.records)
    for status in ("withheld", "faulted"):
        yield _counted(status, summary.statuses.get(status, 0), summary.records)


def _attempts(summary: Summary) -> Iterator[Line]:
    for drafts, number in summary.attempts.items():
        yield _counted(f"took {drafts or 'no'} draft{'s' if drafts != 1 else ''}", number, summary.records)


def _rules(summary: Summary) -> Iterator[Line]:
    for what, broken in (("prompts", summary.inputs_broken), ("drafts", summary.broken)):
        for rule, number in list(broken.items())[:RULES]:
            yield f"{what} that broke {rule}", f"{number:,}", ""
        if (others := len(broken) - RULES) > 0:
            yield f"and {others} other rules", "", ""
    for what, undecided in (("prompts", summary.inputs_undecided), ("drafts", summary.undecided)):
        for rule, number in list(undecided.items())[:RULES]:
            yield f"{what} undecided by {rule}", f"{number:,}", ""


def _tokens(summary: Summary, found: Mapping[str, int]) -> Iterator[Line]:
    critic = sum(number for kind, number in summary.tokens.items() if kind.startswith("critic_"))
    yield "tokens read by the generator", f"{summary.tokens['generator_prompt_tokens']:,}", ""
    yield "tokens written by the generator", f"{summary.tokens['generator_completion_tokens']:,}", ""
    yield "tokens of the critics", f"{critic:,}", ""
    for kind, name in (("drafts", "drafts"), ("verdicts", "findings")):
        if found.get(kind):
            yield f"{name} of earlier runs", f"{found[kind]:,}", ""


def _counted(name: str, number: int, every: int) -> Line:
    return name, f"{number:,}", f"{number / every:.1%}"

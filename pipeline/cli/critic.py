"""`superego critic`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import critics
from critics import ExtraMissing
from pipeline.assembly import weights_of
from pipeline.cli import options
from pipeline.cli.reporting import DONE, reported, say, stderr, stdout
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.training.judge_adapter import Check, Trained

app = typer.Typer(help="Make a critic of your own.", no_args_is_help=True)


@app.callback()
def _critic() -> None:
    """Make a critic of your own."""


@app.command("train")
@reported
def train(
    data: Annotated[list[Path], typer.Argument(help="JSONL files of labelled exchanges.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The adapter to write, a .gguf file.")],
    manifesto: options.ManifestoName = None,
    model: Annotated[str, typer.Option("--model", help="embedded, or a GGUF file of the Llama family.")] = "embedded",
    epochs: Annotated[int, typer.Option(min=1, help="Times that each row is learnt from.")] = 1,
    rank: Annotated[int, typer.Option(min=1, max=256, help="Of the adapter: how much it can hold.")] = 16,
    rate: Annotated[float, typer.Option(min=1e-6, max=1e-1, help="Peak learning rate.")] = 3e-4,
    held: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of rows to check with.")] = 0.08,
    check_every: Annotated[int, typer.Option(min=1, help="Steps of eight exchanges between checks.")] = 100,
    seed: Annotated[int, typer.Option(help="Of order, split and first weights.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Do not go on with a run that was stopped.")] = False,
    config: options.ConfigFile = None,
) -> int:
    """Train the judge on labelled exchanges: an adapter for the model that judges.

    Rows: {"text": user's turn, "response": reply or none, "labels": {rule id or statement: 1 broken, 0 kept}}.
    Stopped with Ctrl-C, the same command goes on at the last check.

    Example: superego critic train rows.jsonl -m house-style -o judge.gguf
    """
    settings = options.settings_from(config, manifesto=manifesto)
    path = weights_of(model)
    if path is None:
        raise BadInput(f"{model!r} is not a model in a file: give a path that ends in .gguf, or embedded")
    if out.suffix != ".gguf" or not out.parent.is_dir():
        raise BadInput(f"{out} should be a .gguf file in a folder that exists")
    try:
        from pipeline.training.judge_adapter import train_adapter  # takes seconds, and an extra
        from pipeline.training.lora import Plan
        from pipeline.training.rows import read_rows
    except ImportError as exc:
        raise ExtraMissing("trained judge", "adapter") from exc
    rows = read_rows(data, critics.load(settings.manifesto, trusted=settings.trusted))
    plan = Plan(rank=rank, alpha=2 * rank, rate=rate, epochs=epochs, check_every=check_every, seed=seed)
    labels = [broken for row in rows for broken in row.labels.values()]
    say(f"{len(rows)} exchanges, {len(labels)} labels, {sum(labels)} of them broken")
    if len(set(labels)) < 2:
        raise BadInput("all labels are the same: there is nothing to tell apart")
    with _progress() as (stepped, checked):
        trained = train_adapter(
            rows,
            path,
            out,
            plan,
            held=held,
            threads=settings.threads,
            resume=not restart,
            stepped=stepped,
            checked=checked,
        )
    _print(trained)
    say(f"To use it: superego judge --adapter {out} …, or `judge: {{adapter: {out}}}` in superego.yaml")
    return DONE


@contextmanager
def _progress() -> Iterator[tuple[Callable[[int, int], None], Callable[[Check], None]]]:
    """What to tell of each step and of each check."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=stderr(), disable=not stderr().is_terminal) as progress:
        task = progress.add_task("training", total=None)

        def told(check: Check) -> None:
            minutes = (time.monotonic() - started) / 60
            progress.console.print(
                f"step {check.step} of {check.steps}: loss {check.loss:.3f}, held out {check.held_loss:.3f}, "
                f"AUROC {check.held_auroc:.3f} ({minutes:.0f} min)"
            )

        yield lambda step, steps: progress.update(task, completed=step, total=steps), told


def _print(trained: Trained) -> None:
    table = Table("held-out rows of", "rows", "labels", "AUROC", box=box.SIMPLE_HEAD)
    for source, (count, labelled, area) in trained.by_source.items():
        table.add_row(source, str(count), str(labelled), "one class" if area != area else f"{area:.3f}")
    table.add_row("all", str(trained.held), "", f"{trained.auroc:.3f}")
    stdout().print(table)

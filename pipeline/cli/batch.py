"""`superego batch`: many prompts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.assembly import assemble, conditions
from pipeline.batch import BatchSummary, run_batch
from pipeline.cli import options
from pipeline.cli.judge import opened
from pipeline.cli.reporting import DONE, FAULT, reported, say, stderr


@reported
def batch(
    file: Annotated[
        str,
        typer.Argument(
            help="JSON lines of {id, prompt or messages, context}, or a prompt a line; - is standard input."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON lines, one a prompt, in order.")],
    manifesto: options.ManifestoName = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Prompts at once; for models behind a server.")] = 1,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Each prompt's own seed is made from this and its id.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Keep the drafts in the records.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    identity: options.Identities = None,
    identity_scale: options.IdentityScale = None,
    base_url: options.BaseUrl = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of one draft.", show_default=False)
    ] = None,
    config: options.ConfigFile = None,
) -> int:
    """Take many prompts through the loop. Stopped at any moment, the same command goes on where it stopped.
    Exit code 1 if a record is faulted.

    Example: superego batch prompts.jsonl -o answers.jsonl -m house-style
    """
    settings = options.settings_from(
        config,
        manifesto=manifesto,
        generator=generator,
        judge=judge,
        adapter=adapter,
        identity=identity,
        identity_scale=identity_scale,
        base_url=base_url,
        max_tokens=max_tokens,
    )
    pipeline = assemble(options.manifesto_from(settings), settings)
    with opened(file) as lines, _progress(_count(file), quiet=quiet) as progress:
        try:
            summary = run_batch(
                pipeline,
                lines,
                output,
                seed=seed,
                workers=workers,
                full=full,
                conditions=conditions(settings),
                progress=progress,
            )
        except KeyboardInterrupt:
            say(f"stopped; run the same command again to go on behind {output}.partial")
            raise
    if as_json:
        print(json.dumps({"output": str(output), "resumed": summary.resumed, **summary.statuses}))
    else:
        say(_told(summary, output))
    return FAULT if summary.statuses["faulted"] else DONE


def _told(summary: BatchSummary, output: Path) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in sorted(summary.statuses.items()))
    earlier = f" ({summary.resumed} were done before)" if summary.resumed else ""
    return f"{output}: {counts or 'nothing new'}{earlier}"


def _count(file: str) -> int | None:
    if not Path(file).is_file():
        return None  # A pipe can be read once, and the run needs it.
    with opened(file) as lines:
        return sum(1 for line in lines if line.strip())


@contextmanager
def _progress(total: int | None, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, nothing in a log."""
    console = stderr()
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    counts: dict[str, int] = {}
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("batch", total=total, counts="")

        def advance(status: str) -> None:
            counts[status] = counts.get(status, 0) + 1
            bar.update(task, advance=1, counts=", ".join(f"{n} {s}" for s, n in counts.items()))

        yield advance

"""How far a command has come: a bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn

from pipeline.cli.terminal.reporting import stderr

Stepped = Callable[[str, int, int], None]
"""Hears what is done, how much of it, and of how much."""


@contextmanager
def bar(what: str, *more: ProgressColumn) -> Iterator[tuple[Stepped, Callable[[str], None]]]:
    """What to tell of each step, and what to say above the bar, which a log gets as well. `what` is done first; `more`
    is shown behind the bar."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *more)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield (
            lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
            lambda text: progress.console.print(text, soft_wrap=True),
        )

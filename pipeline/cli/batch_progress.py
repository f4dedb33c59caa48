"""How far a batch is: a bar on a terminal, nothing in a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.batch import Began, Event, Observer, Recorded
from pipeline.cli.reporting import say, stderr


@contextmanager
def shown(*, quiet: bool) -> Iterator[Observer]:
    """An observer that shows what it is told."""
    console = stderr()
    if quiet or not console.is_terminal:
        yield _told
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("batch", total=None, counts="")
        counts: Counter[str] = Counter()

        def observe(event: Event) -> None:
            _told(event)
            if isinstance(event, Began):
                bar.update(task, total=event.total, completed=event.resumed)
            elif isinstance(event, Recorded):
                counts[event.record["status"]] += 1
                told = ", ".join(f"{number} {status}" for status, number in counts.items())
                bar.update(task, completed=event.done, counts=told)

        yield observe


def _told(event: Event) -> None:
    if isinstance(event, Began) and event.cut:
        say(f"note: the last {event.cut} bytes of the journal were not whole; what stood there is done again")

"""Progress on a terminal: a bar, what came of the prompts, the pace, and the rules that are broken most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.batch import Event
from pipeline.cli.batch.progress.pace import Pace, Progress
from pipeline.cli.batch.progress.words import far, pace, span, statuses, worst


class Terminal:
    """Draws itself four times a second, and is gone when it is left."""

    def __init__(self, console: Console) -> None:
        self._pace = Pace()
        self._notes: list[str] = []
        self._console = console
        self._live = Live(console=console, get_renderable=self._drawn, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        for note in self._notes:
            self._console.print(note, markup=False, soft_wrap=True)

    def __call__(self, event: Event) -> None:
        self._pace(event)

    def say(self, text: str) -> None:
        """In the display, and left there when it goes. Nothing is waited for: a signal's handler may be who says it,
        while the display waits for the very thread that was interrupted."""
        self._notes.append(text)

    def _drawn(self) -> Group:
        return drawn(self._pace.progress(), self._notes)


def drawn(told: Progress, notes: Sequence[str] = ()) -> Group:
    """What there is to see."""
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    known = told.total is not None and not told.writing
    bar = ProgressBar(total=told.total if known else None, completed=told.done, pulse=not known)
    word = "writing the output" if told.writing else f"{far(told)} done, {span(told.seconds)}"
    head.add_row(bar, word)
    before = f"({told.resumed:,} done before)" if told.resumed else ""
    lines = [", ".join(filter(None, (statuses(told), pace(told)))), worst(told)]
    lines[0] = " ".join(filter(None, (lines[0], before)))
    shown = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines if line]
    return Group(head, *shown, *map(Text, notes))

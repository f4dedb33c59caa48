"""Progress in a log: a line when it begins, one now and then, one when it is written."""

from __future__ import annotations

from pipeline.batch import Began, Event, Writing
from pipeline.cli.batch.progress.pace import Pace
from pipeline.cli.batch.progress.words import far, pace, statuses, worst
from pipeline.cli.terminal.reporting import say


class Log:
    """Plain lines on standard error, with nothing that moves."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._begun = False

    def __call__(self, event: Event) -> None:
        self._pace(event)
        if isinstance(event, Began):
            prompts = "prompt" if event.total == 1 else "prompts"
            total = prompts if event.total is None else f"{event.total:,} {prompts}"
            before = f", {event.resumed:,} of them done before" if event.resumed else ""
            self.say(f"{event.output}: {total}, {event.workers} at a time{before}")
            self._begun = True
        elif isinstance(event, Writing):
            self.say(f"{event.records:,} done; writing the output")

    def tick(self) -> None:
        """Say how far it is."""
        told = self._pace.progress()
        if self._begun and not told.writing:
            parts = (f"{far(told)} done", statuses(told), pace(told), worst(told))
            self.say("; ".join(filter(None, parts)))

    def say(self, text: str) -> None:
        say(text)

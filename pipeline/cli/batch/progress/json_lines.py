"""Progress for a machine: JSON lines on standard error."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict
from typing import Any

from pipeline.batch import Began, Ended, Event, Writing
from pipeline.cli.batch.progress.pace import Pace
from pipeline.cli.terminal.reporting import unread


class JsonLines:
    """`event` is `began`, `progress`, `writing`, `ended` or `note`; the keys are in docs/batch.md."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._lock = threading.RLock()
        self._begun = False

    def __call__(self, event: Event) -> None:
        self._pace(event)
        match event:
            case Began():
                self._progress("began")
                self._begun = True
            case Writing():
                self._progress("writing")
            case Ended(summary):
                with self._lock:  # nothing of progress comes behind it
                    self._write({"event": "ended", **asdict(summary), "output": str(summary.output)})
                    self._begun = False

    def tick(self) -> None:
        """Say how far it is."""
        with self._lock:
            if self._begun:
                self._progress("progress")

    def say(self, text: str) -> None:
        self._write({"event": "note", "text": text})

    def _progress(self, event: str) -> None:
        told = asdict(self._pace.progress())
        del told["writing"]
        self._write({"event": event, **{name: _rounded(value) for name, value in told.items()}})

    def _write(self, told: dict[str, Any]) -> None:
        with self._lock:
            try:
                sys.stderr.write(json.dumps(told) + "\n")
                sys.stderr.flush()
            except BrokenPipeError:  # who supervised it is gone, and the run goes on
                unread(sys.stderr)


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value

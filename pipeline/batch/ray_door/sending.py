"""What goes along with a task: the manifesto that its record names, as it is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from critics import CriticsError, Manifesto
from pipeline.batch.task import Prompt, Task


class Sending:
    """Loads each manifesto once, and puts it where workers can get it."""

    def __init__(self, load: Callable[[str], Manifesto], put: Callable[[Manifesto], Any]) -> None:
        self._load = load
        self._put = put
        self._known: dict[str, Any | CriticsError] = {}

    def __call__(self, task: Task) -> tuple[Task, Any]:
        """The task and a reference to its manifesto. One that cannot be had is a fault of the record."""
        name = task.given.asked.manifesto if isinstance(task.given.asked, Prompt) else None
        if name is None:
            return task, None
        found = self._found(name)
        if isinstance(found, CriticsError):
            return replace(task, given=replace(task.given, asked=str(found))), None
        return task, found

    def _found(self, name: str) -> Any | CriticsError:
        if name not in self._known:
            try:
                self._known[name] = self._put(self._load(name))
            except CriticsError as exc:
                self._known[name] = exc
        return self._known[name]

"""One worker of a crew, and what may happen to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.batch.task import Record, Task


@dataclass(eq=False)
class Member:
    """A worker. `arrival` is what it says once it is placed, and then once it is ready; `tasks` are under way there, by
    what will come of them."""

    handle: Any
    arrival: Any
    placed: bool = False
    ready: bool = False
    alone: bool = False
    """Whether it has a record that must be alone."""
    tasks: dict[Any, Task] = field(default_factory=dict)


@dataclass(frozen=True)
class Came:
    """What came of a task."""

    task: Task
    record: Record


@dataclass(frozen=True)
class Lost:
    """A worker has died, with these tasks under way."""

    tasks: list[Task]
    why: str


def reason(exc: Exception) -> str:
    """Ray's words, on one line, without the numbers before them and the advice that follows; of a traceback its end."""
    if "creation task" in str(exc):
        return str(exc).strip().splitlines()[-1]
    words = " ".join(str(exc).split()).partition(" Some common causes include")[0]
    _, begin, rest = words.partition("The actor is dead because ")
    return (begin + rest or words)[:400]

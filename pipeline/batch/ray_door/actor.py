"""What runs on a node: it makes its pipeline when it is there, and then answers tasks. Nothing here knows Ray."""

from __future__ import annotations

import importlib.metadata
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from critics import CriticsError, Manifesto
from pipeline.batch.task import Record, Task
from pipeline.batch.working import Answering, Reach
from pipeline.errors import ModelFault, PipelineError
from pipeline.pipeline import Pipeline


class Made(Protocol):
    """The pipelines of one worker. `facts` are what must be the same on all of them."""

    @property
    def facts(self) -> Mapping[str, Any]: ...

    def pipeline(self, manifesto: Manifesto | None) -> Pipeline:
        """The run's own, or one for a manifesto that a record names."""
        ...


Make = Callable[[], Made]
"""Makes them where it is called. It is pickled on its way there."""


@dataclass(frozen=True)
class Placed:
    """A worker has its place on a node, and nothing is loaded yet."""

    node: str
    version: str


@dataclass(frozen=True)
class Ready:
    """A worker can be asked."""

    facts: Mapping[str, Any]
    node: str


@dataclass(frozen=True)
class Refused:
    """A worker cannot begin, nor could another one there."""

    why: str


@dataclass(frozen=True)
class OutOfReach:
    """A model is, and would be for all other records."""

    why: str


def version() -> str:
    return importlib.metadata.version("superego")


class BatchWorker:
    """An actor: several of its calls run at a time, in threads."""

    def __init__(self, make: Make, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._made: Made | None = None
        self._reach = Reach()

    def placed(self) -> Placed:
        return Placed(socket.gethostname(), version())

    def ready(self) -> Ready | Refused:
        """Load what is needed. Faults are values, since not every exception survives being pickled."""
        node = socket.gethostname()
        try:
            self._made = self._make()
            return Ready(self._made.facts, node)
        except (PipelineError, CriticsError) as exc:
            return Refused(f"{node}: {exc}")
        except Exception as exc:  # noqa: BLE001  # a critic of the user's own may raise anything
            return Refused(f"{node}: {type(exc).__name__}: {exc}")

    def answer(self, task: Task, manifesto: Manifesto | None = None) -> Record | OutOfReach:
        """What comes of a task. `manifesto` is the one that its record names: its file need not be here."""
        made = self._made
        assert made, "asked before it was ready"
        try:
            answering = Answering(lambda name: made.pipeline(manifesto if name else None), self._seed)
            record = self._reach(answering, task)
        except ModelFault as exc:
            return OutOfReach(str(exc))
        assert record is not None, "nobody stops it here"
        return record

"""What is done with one task."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from critics import CriticsError
from pipeline.batch.task import Given, Prompt, Record, Task
from pipeline.drafting import Generator
from pipeline.errors import ModelFault, PipelineError
from pipeline.files.inputs import Id
from pipeline.files.records import OutcomeRecord, outcome_record, unasked_record
from pipeline.pipeline import Pipeline

Pipelines = Callable[[str | None], Pipeline]
"""The pipeline for a manifesto's name or path, or the run's own. Raises for one that cannot be had."""


class Cancellable(Protocol):
    """Something that is asked of a model, and can be given up from any thread."""

    def cancel(self) -> None: ...


Held = Callable[[Cancellable], AbstractContextManager[object]]
"""Told of what is asked while it is under way."""


@dataclass(frozen=True)
class Answering:
    """Makes a record of a task. `seed` is the run's: each record's own is drawn from it and the record's id."""

    pipelines: Pipelines
    seed: int = 0

    def __call__(self, task: Task, held: Held = nullcontext) -> tuple[Record, ModelFault | None]:
        """The record, in which whatever broke is, with its line; and the generator's fault, where it failed."""
        given, fault = task.given, None
        try:
            record, fault = self._asked(given, given.asked, held)
        except Exception as exc:  # noqa: BLE001  # one record must not end a run of a million, whatever broke in it
            known = isinstance(exc, PipelineError | CriticsError)
            record = self._faulted(given, str(exc) if known else f"{type(exc).__name__}: {exc}")
        if record["fault"]:
            record["fault"] = f"line {given.line}: {record['fault']}"
        return {"id": given.id, "line": given.line, **record}, fault

    def generator(self, task: Task) -> Generator:
        """What drafted for a task that was asked."""
        asked = task.given.asked
        found = self.pipelines(asked.manifesto if isinstance(asked, Prompt) else None).generator
        assert found, "asked without one"
        return found

    def _asked(self, given: Given, asked: Prompt | str, held: Held) -> tuple[OutcomeRecord, ModelFault | None]:
        if isinstance(asked, str):
            return self._faulted(given, asked), None
        pipeline = self.pipelines(asked.manifesto)
        answer = pipeline.stream(
            asked.conversation, context=asked.sources, seed=self._seed(given), options=asked.options, hold=True
        )
        with held(answer):
            outcome = answer.ended()
        return outcome_record(outcome), outcome.cause

    def _faulted(self, given: Given, why: str) -> OutcomeRecord:
        own = self.pipelines(None)
        name = own.generator.name if own.generator else ""
        return unasked_record(why, manifesto=own.manifesto, generator=name, seed=self._seed(given))

    def _seed(self, given: Given) -> int:
        own = given.asked.seed if isinstance(given.asked, Prompt) else None
        return seed_of(self.seed, given.id) if own is None else own


def seed_of(seed: int, id: Id) -> int:
    """31 bits that depend on nothing but these two."""
    return int.from_bytes(sha256(f"{seed}\0{id}".encode("utf-8", "replace")).digest()[:4]) >> 1

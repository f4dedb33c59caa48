"""What is done with one task."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256

from critics import CriticsError
from pipeline.batch.task import Given, Prompt, Record, Task
from pipeline.errors import ModelUnavailable, PipelineError
from pipeline.files.inputs import Id
from pipeline.files.records import OutcomeRecord, outcome_record, unasked_record
from pipeline.loop import Answer
from pipeline.pipeline import Pipeline

Pipelines = Callable[[str | None], Pipeline]
"""The pipeline for a manifesto's name or path, or the run's own. Raises for one that cannot be had."""

Held = Callable[[Answer], AbstractContextManager[object]]
"""Told of an answer while it is under way."""


@dataclass(frozen=True)
class Answering:
    """Makes a record of a task. `seed` is the run's: each record's own is drawn from it and the record's id."""

    pipelines: Pipelines
    seed: int = 0

    def __call__(self, task: Task, held: Held = nullcontext) -> Record:
        """Whatever breaks in a task is in its record. Raises `ModelUnavailable` for a model that is out of reach, and
        would be for all the others; it names the line, since some servers fail at one prompt alone."""
        given = task.given
        try:
            record = self._asked(given, given.asked, held)
        except ModelUnavailable as exc:
            raise ModelUnavailable(f"line {given.line}: {exc}") from exc
        except Exception as exc:  # noqa: BLE001  # one record must not end a run of a million, whatever broke in it
            known = isinstance(exc, PipelineError | CriticsError)
            record = self._faulted(given, str(exc) if known else f"{type(exc).__name__}: {exc}")
        if record["fault"]:
            record["fault"] = f"line {given.line}: {record['fault']}"
        return {"id": given.id, "line": given.line, **record}

    def _asked(self, given: Given, asked: Prompt | str, held: Held) -> OutcomeRecord:
        if isinstance(asked, str):
            return self._faulted(given, asked)
        pipeline = self.pipelines(asked.manifesto)
        answer = pipeline.stream(
            asked.conversation, context=asked.sources, seed=self._seed(given), options=asked.options, hold=True
        )
        with held(answer):
            outcome = answer.ended()
        if outcome.retryable:
            raise ModelUnavailable(outcome.fault)
        return outcome_record(outcome)

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

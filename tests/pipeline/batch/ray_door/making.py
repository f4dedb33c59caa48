"""What workers of the tests make, on whatever node they are."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, SupportsIndex
from zlib import crc32

import critics
from critics import Manifesto, ScriptedCritic
from pipeline import DraftRequest, ModelMissing, ModelUnavailable, Piece, Pieces, Pipeline
from pipeline.batch import Answering, Batch, LocalRunner, Output, run_batch
from pipeline.batch.working.reach import QUESTION
from tests.pipeline.batch.running import pipeline, read, timeless


class Mortal:
    """Answers with the prompt and the seed, after a while. `die` in a prompt ends the process, `away` is a model that
    is out of reach. Whatever is asked is noted in a file. Nobody answers before so many workers have been asked."""

    name = "mortal"
    can_continue = False

    def __init__(self, asked: Path, seconds: float, together: int) -> None:
        self._asked = asked
        self._seconds = seconds
        self._together = together

    def __call__(self, request: DraftRequest) -> Pieces:
        prompt = request.messages[-1].content
        with self._asked.open("a") as file:
            file.write(f"{prompt}\n")
        self._asked.with_name(f"worker-{os.getpid()}").touch()
        while len(list(self._asked.parent.glob("worker-*"))) < self._together:
            time.sleep(0.01)
        time.sleep(self._seconds * (1 + crc32(prompt.encode()) % 8 / 4))  # so that they do not keep step
        if "die" in prompt:
            os._exit(1)
        if "away" in prompt or request.messages == QUESTION:
            raise ModelUnavailable("nobody answers")
        yield Piece(f"{prompt} ({request.seed})")


class Pipelines:
    def __init__(self, generator: Mortal, facts: Mapping[str, Any]) -> None:
        self._generator = generator
        self.facts = facts

    def pipeline(self, manifesto: Manifesto | None) -> Pipeline:
        if manifesto is None:
            return pipeline(self._generator)
        return Pipeline(manifesto, ScriptedCritic(lambda draft, rule: 0.0), self._generator)


@dataclass(frozen=True)
class Making:
    """`fault` says what goes wrong where it is called."""

    asked: Path
    seconds: float = 0.0
    fault: str = ""
    together: int = 1

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """One that is foreign needs a module that is on no node."""
        if self.fault == "foreign":
            return importlib.import_module, ("not_installed_there",)
        return super().__reduce_ex__(protocol)

    def __call__(self) -> Pipelines:
        if self.fault == "missing":
            raise ModelMissing("there is no x.gguf")
        if self.fault == "deadly":
            os._exit(1)
        return Pipelines(
            Mortal(self.asked, self.seconds, self.together), {"node": os.getpid() if self.fault == "other" else 0}
        )


def local(job: Batch) -> list[dict[str, Any]]:
    """What comes of the same input in threads of this process, without times."""
    out = job.output.path.with_name("local.jsonl")
    made = Making(out.with_name("local-asked"))()
    answering = Answering(lambda name: made.pipeline(critics.load(name) if name else None))
    run_batch(replace(job, output=Output(out)), LocalRunner(answering, workers=2))
    return [timeless(record) for record in read(out)]

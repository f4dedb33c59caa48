"""Batches without a model, for the tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from critics import Manifesto, Rule, ScriptedCritic
from pipeline import DraftRequest, Piece, Pieces, Pipeline
from pipeline.batch import Answering, Batch, Input, LocalRunner, Observer, Output, OutputFormat, Summary, run_batch

RULE = Rule(id="calm", statement="Calm.")


class Echo:
    """A generator that answers with the prompt and the seed, and can be stopped after some prompts."""

    name = "echo"
    can_continue = False

    def __init__(self, stop_after: int | None = None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.asked: list[str] = []
        self._stop_after = stop_after
        self._error = error
        self._lock = threading.Lock()

    def __call__(self, request: DraftRequest) -> Pieces:
        with self._lock:
            if self._stop_after is not None and len(self.asked) >= self._stop_after:
                raise self._error
            self.asked.append(request.messages[-1].content)
        yield Piece(f"{request.messages[-1].content} ({request.seed})")


def pipeline(generator: Any = None, version: str = "1") -> Pipeline:
    manifesto = Manifesto(name="m", version=version, rules=(RULE,))
    critic = ScriptedCritic(lambda draft, rule: float("bad" in draft))
    return Pipeline(manifesto, critic, generator or Echo())


def lines(*records: object) -> bytes:
    return b"".join((json.dumps(record) + "\n").encode() for record in records)


def prompts(count: int) -> bytes:
    return lines(*({"id": f"p{number}", "prompt": f"prompt {number}"} for number in range(count)))


def batch(folder: Path, given: bytes, out: str = "out.jsonl", **options: Any) -> Batch:
    """A batch of what is given, as a file in the folder."""
    file = folder / "in.jsonl"
    file.write_bytes(given)
    form: OutputFormat | None = options.pop("form", None)
    output = Output(folder / out, form, options.pop("shard", None))
    return Batch(Input(str(file)), output, **options)


def go(
    job: Batch,
    own: Pipeline | None = None,
    *,
    named: Mapping[str, Pipeline] | None = None,
    workers: int = 1,
    seed: int = 0,
    observe: Observer = lambda _: None,
    stop: threading.Event | None = None,
) -> Summary:
    """Run it, over one pipeline and those that records name."""
    own = own or pipeline()
    known: dict[str | None, Pipeline] = {None: own}
    known.update(named or {})
    answering = Answering(known.__getitem__, seed)
    return run_batch(job, LocalRunner(answering, workers=workers), observe=observe, stop=stop)


def kept(job: Batch) -> int:
    """Records in the journal."""
    return job.output.journal.read_bytes().count(b'"status"') if job.output.journal.exists() else 0


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what says how long it took."""
    attempts = [{**attempt, "seconds": 0} for attempt in record["attempts"]]
    return {**record, "attempts": attempts, "usage": {**record["usage"], "seconds": 0}}

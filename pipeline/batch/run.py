"""Running a batch: records in, outcomes out, in the order of the input, several at a time where that helps."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.batch.output import Output
from pipeline.errors import BadInput, ModelUnavailable, PipelineError
from pipeline.inputs import BadLine, PromptIn, json_lines, looks_like_json, plain_lines, sources
from pipeline.pipeline import Pipeline
from pipeline.records import outcome_record

Line = tuple[int, PromptIn | BadLine]


@dataclass
class BatchSummary:
    """How many records came to which status, and how many an earlier run had done."""

    statuses: Counter[str] = field(default_factory=Counter)
    resumed: int = 0


def run_batch(
    pipeline: Pipeline,
    lines: Iterable[bytes],
    output: Path,
    *,
    seed: int = 0,
    workers: int = 1,
    full: bool = False,
    conditions: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> BatchSummary:
    """Take every line through the pipeline and write one record each to `output`.

    A line that cannot be used is a `faulted` record. `full` keeps the drafts. `conditions` is whatever else must
    be the same for a run to be gone on with. `progress` is called with each status.

    Raises `BadInput` for an output that cannot be gone on with, `OutputFault` where it cannot be written, and
    `ModelUnavailable` where the model stays out of reach; what is written stays for the next run.
    """
    generator = pipeline.generator.name if pipeline.generator else ""
    summary = BatchSummary()
    with Output(output, stamp=_stamp(pipeline.manifesto.hash, generator, str(seed), str(full), conditions)) as out:
        remaining = _behind(_parsed(lines), out.done)
        summary.resumed = len(out.done)
        for _ in out.done:
            progress("resumed")
        for record in _mapped(remaining, lambda line: _record(pipeline, line, seed, full), workers):
            out.write(record)
            summary.statuses[record["status"]] += 1
            progress(record["status"])
        out.finish()
    return summary


def _stamp(*facts: str) -> str:
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _parsed(lines: Iterable[bytes]) -> Iterator[Line]:
    rest = iter(lines)
    head = list(_through_first_text(rest))
    every = chain(head, rest)
    return json_lines(every, PromptIn) if head and looks_like_json(head[-1]) else plain_lines(every)


def _through_first_text(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line
        if line.strip():
            return


def _behind(lines: Iterator[Line], done: list[str]) -> Iterator[Line]:
    """The lines after those done before. Raises `BadInput` where the input is not the one that was begun with."""
    for position, name in enumerate(done, start=1):
        line = next(lines, None)
        if line is None or _mark(line) != name:
            raise BadInput(f"record {position} of the unfinished output answers another input than the one given now")
    return lines


def _id(line: Line) -> str | int:
    number, record = line
    return number if record.id is None else record.id


def _mark(line: Line) -> str:
    """What tells this record's input from another."""
    record = line[1]
    text = record.why if isinstance(record, BadLine) else record.model_dump_json()
    return hashlib.sha256(f"{_id(line)}\0{text}".encode("utf-8", "replace")).hexdigest()[:16]


def _record(pipeline: Pipeline, line: Line, seed: int, full: bool) -> dict[str, Any]:
    name = _id(line)
    head = {"id": name, "line": line[0], "input": _mark(line)}
    parsed = line[1]
    if isinstance(parsed, BadLine):
        return {**head, "status": "faulted", "answer": None, "fault": f"line {parsed.line}: {parsed.why}"}
    own_seed = int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "replace")).digest()[:4]) >> 1
    try:
        outcome = pipeline.ask(parsed.conversation, context=sources(parsed.context), seed=own_seed)
    except Exception as exc:  # noqa: BLE001  # one record must not end a run of a million, whatever broke in it
        what = str(exc) if isinstance(exc, PipelineError) else f"{type(exc).__name__}: {exc}"
        return {**head, "status": "faulted", "answer": None, "fault": f"line {line[0]}: {what}"}
    if outcome.retryable:
        # The model is out of reach, and would be for all the others: stop, so that the same command goes on later.
        raise ModelUnavailable(outcome.fault)
    record: dict[str, Any] = {**head, **outcome_record(outcome)}
    if not full:
        for attempt in record["attempts"]:
            del attempt["draft"], attempt["text"]
    return record


def _mapped(lines: Iterator[Line], work: Callable[[Line], dict[str, Any]], workers: int) -> Iterator[dict[str, Any]]:
    """`map` over threads, in order, with no more lines read ahead than keep the workers busy."""
    if workers == 1:
        yield from map(work, lines)
        return
    pending: deque[Future[dict[str, Any]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        try:
            for line in lines:
                pending.append(pool.submit(work, line))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

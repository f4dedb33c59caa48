"""`superego judge`: judge existing texts, no generation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from pipeline.assembly import assemble
from pipeline.cli.flags import options
from pipeline.cli.terminal.reporting import DONE, FAULT, note, reported, say
from pipeline.errors import BadInput
from pipeline.files.inputs import BadLine, JudgeIn, json_lines, sources
from pipeline.files.records import verdict_record
from pipeline.pipeline import Pipeline


@reported
def judge(
    file: Annotated[
        str, typer.Argument(help="JSON lines of {id, text, response, context}; - is standard input.")
    ] = "-",
    manifesto: options.ManifestoName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    base_url: options.BaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, which is what it prints anyway.")] = True,  # noqa: ARG001
    config: options.ConfigFile = None,
) -> int:
    """Judge texts that exist already: a JSON line in, a JSON line out, in order.

    A line without a response is judged by the rules for input. Exit code 1 if a line cannot be read or holds nothing.

    Example: superego judge replies.jsonl -m house-style > verdicts.jsonl
    """
    settings = options.settings_from(
        config, manifesto=manifesto, generator=None, judge=judge, adapter=adapter, base_url=base_url
    )
    notes: list[str] = []  # told once it is clear that there are such models
    pipeline = assemble(options.manifesto_from(settings, notes.append), settings, drafts=False)
    for each in notes:
        note(each)
    faulted = 0
    with opened(file) as lines:
        for number, record in json_lines(lines, JudgeIn):
            faulted += isinstance(record, BadLine)
            print(json.dumps(_judged(pipeline, number, record)), flush=True)
    if faulted:
        say(f"{faulted} of the lines could not be read; each says why under `fault`", style="red")
    return FAULT if faulted else DONE


@contextmanager
def opened(file: str) -> Iterator[IO[bytes]]:
    """A file for reading, or standard input. Raises `BadInput`."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  # only the opening is guarded, not what the caller does
    except OSError as exc:
        raise BadInput(f"{file} cannot be read: {exc.strerror}") from exc
    with stream:
        yield stream


def _judged(pipeline: Pipeline, number: int, record: JudgeIn | BadLine) -> dict[str, Any]:
    known = {"id": number if record.id is None else record.id}
    if isinstance(record, BadLine):
        fault = f"line {record.line}: {record.why}"
        return {**known, "outcome": "faulted", "fault": fault, "rules": {}, "findings": []}
    verdict = pipeline.judge(record.text, record.response, context=sources(record.context))
    return {**known, **verdict_record(verdict)}

"""JSON lines of prompts, and lines that are prompts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.batch.reading.lines import Line
from pipeline.batch.task import Given, Prompt
from pipeline.files.inputs import Id, PromptIn, first_fault, sources

PROMPT = "prompt"
_LONGEST = 100
"""Letters of the keys of a record that are told."""


def json_records(lines: Iterable[Line], column: str = PROMPT) -> Iterator[Given]:
    """Each line as an object with the prompt under `column`, or `messages`."""
    for line in lines:
        value, why = parsed(line)
        yield given(line.number, line.mark, value, column) if why is None else bad(line.number, line.mark, why)


def plain_records(lines: Iterable[Line]) -> Iterator[Given]:
    """Each line as a prompt."""
    for line in lines:
        text, why = decoded(line)
        yield Given(line.number, line.number, line.mark, why or Prompt(PromptIn(prompt=text).conversation))


def given(number: int, mark: str, value: Any, column: str = PROMPT) -> Given:
    """A record from an object with the keys of `PromptIn`, or the fault that it has."""
    if isinstance(value, dict):
        if value.get(column) is None and value.get("messages") is None:
            return bad(number, mark, _nothing(value, column), value)
        # What has the prompt is nothing else, though it be called `context`.
        value = {**{key: said for key, said in value.items() if key != column}, PROMPT: value.get(column)}
    try:
        record = PromptIn.model_validate(value)
    except ValidationError as exc:
        return bad(number, mark, first_fault(exc), value)
    prompt = Prompt(record.conversation, sources(record.context), manifesto=record.manifesto)
    return Given(number, number if record.id is None else record.id, mark, prompt)


def _nothing(value: Mapping[str, Any], column: str) -> str:
    has = ", ".join(f"`{key}`" for key, said in value.items() if said is not None)
    there = f"it has {has if len(has) <= _LONGEST else has[:_LONGEST] + '…'}" if has else "it has nothing"
    return f"neither `{column}` nor `messages`: {there}"


def bad(number: int, mark: str, why: str, value: object = None, key: str = "id") -> Given:
    """A record that cannot be used, under its own id where that can be read."""
    found: Id | None = None
    if isinstance(value, Mapping) and isinstance(value.get(key), str | int):
        found = value[key]
    return Given(number, number if found is None else found, mark, why)


def parsed(line: Line) -> tuple[Any, str | None]:
    """What JSON a line holds, and why it holds none."""
    text, why = decoded(line)
    if why is not None:
        return None, why
    try:
        # By way of json, because its strings may hold lone surrogates, which must not end a run.
        return json.loads(text), None
    except json.JSONDecodeError as exc:
        return None, f"not JSON at character {exc.pos + 1}: {exc.msg}"
    except (RecursionError, ValueError) as exc:
        return None, f"not JSON that can be read: {exc}"


def decoded(line: Line) -> tuple[str, str | None]:
    """A line's text, and why it has none."""
    if line.too_long:
        return "", f"longer than {len(line.data) >> 20} MiB"
    try:
        return line.data.decode("utf-8-sig" if line.number == 1 else "utf-8").strip(), None
    except UnicodeDecodeError as exc:
        return "", f"not UTF-8: byte 0x{line.data[exc.start]:02x} at {exc.start + 1}"

"""One record of a batch on its way: what was given, and its place among the others. Plain data, so that it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from critics import Message, Source
from pipeline.drafting import DraftOptions
from pipeline.files.inputs import Id

Record = dict[str, Any]
"""What came of a task, as JSON: an `OutcomeRecord` with its `id` and `line`."""


@dataclass(frozen=True)
class Prompt:
    """What is asked. `seed` and `manifesto` are there where the record names its own."""

    conversation: tuple[Message, ...]
    sources: tuple[Source, ...] = ()
    options: DraftOptions = DraftOptions()
    seed: int | None = None
    manifesto: str | None = None


@dataclass(frozen=True)
class Given:
    """One record of the input: a prompt, or in words why it cannot be used. `mark` tells it from any other record."""

    line: int
    id: Id
    mark: str
    asked: Prompt | str


@dataclass(frozen=True)
class Task:
    """A record and its place, counted from 0."""

    position: int
    given: Given

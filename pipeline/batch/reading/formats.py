"""Which format an input has, and its records."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from itertools import chain
from os.path import exists, isdir  # pathlib's raises for a name that is too long
from pathlib import Path
from typing import Literal

from pipeline.batch.reading.csv_rows import csv_rows
from pipeline.batch.reading.json_records import PROMPT, decoded, json_records, parsed, plain_records
from pipeline.batch.reading.lines import Line, numbered
from pipeline.batch.reading.openai_requests import is_request, openai_requests
from pipeline.batch.reading.packed import STDIN, inner_suffix, told_if_damaged, unpacked
from pipeline.batch.reading.parquet_rows import parquet_rows, parquet_total
from pipeline.batch.task import Given
from pipeline.errors import BadInput
from pipeline.files.inputs import looks_like_json

InputFormat = Literal["jsonl", "openai", "csv", "parquet", "lines"]

_BY_SUFFIX: dict[str, InputFormat] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_JSON_LINES = (".jsonl", ".ndjson", ".json")


class Input:
    """A file of prompts, or standard input as `-`, in a format that is told by its name and first line if not given.

    `column` is where CSV, Parquet and JSON lines have their prompts.
    """

    def __init__(self, name: str, *, form: InputFormat | None = None, column: str = PROMPT) -> None:
        self.name = name
        self._form = form or _BY_SUFFIX.get(inner_suffix(Path(name)))
        self._column = column

    @property
    def again(self) -> bool:
        """Whether it can be read more than once: a pipe cannot."""
        return self.name != STDIN and Path(self.name).is_file()

    def refuse_missing(self) -> None:
        """Raises `BadInput` where there is no such file, or none that can be read as it must, before anything is made
        ready for it."""
        if self.name == STDIN and sys.stdin is None:
            raise BadInput("standard input is closed: give a file, or what comes through a pipe")
        if self.name != STDIN and not exists(self.name):
            raise BadInput(f"{self.name} cannot be read: No such file or directory")
        if isdir(self.name):
            raise BadInput(f"{self.name} is a folder: give a file of it, and each file a run and an output of its own")
        self._refuse_piped()

    def is_at(self, path: Path) -> bool:
        """Whether it is the file at a path, by whatever name."""
        return self.again and path.exists() and path.samefile(self.name)

    def form(self) -> InputFormat | None:
        """The format; `None` for what can be read only once and does not tell by its name."""
        if self._form is None and self.again:
            with self._lines() as lines:
                self._form = self._told(next(lines, None))
        return self._form

    @contextmanager
    def held(self) -> Iterator[Callable[[], str]]:
        """Gives SHA-256 of the file as it is when asked, in hex, whatever has its name by then; empty for what can be
        read only once. Both raise `BadInput` where it cannot be read."""
        if not self.again:
            yield lambda: ""
            return

        def fingerprint() -> str:
            with told_if_damaged(self.name):
                file.seek(0)
                return file_digest(file, "sha256").hexdigest()

        with told_if_damaged(self.name):
            file = Path(self.name).open("rb")  # noqa: SIM115  # only the opening is guarded
        with file:
            yield fingerprint

    def total(self) -> int | None:
        """How many records there are, where that can be told before they are read."""
        if not self.again or self.form() == "csv":
            return None  # a row of CSV may have many lines
        if self.form() == "parquet":
            return parquet_total(self.name)
        with self._lines() as lines:
            return sum(1 for _ in lines)

    def records(self, over: threading.Event | None = None) -> Iterator[Given]:
        """The records in their order. What can be read only once ends once it is `over`, wherever it is. Raises
        `BadInput` where the input as a whole cannot be read on."""
        over = over or threading.Event()
        if self._form == "parquet":
            self._refuse_piped()
            with told_if_damaged(self.name):
                yield from parquet_rows(self.name, self._column)
        elif self._form == "csv":
            with told_if_damaged(self.name), unpacked(self.name, over) as stream:
                yield from csv_rows(stream, self.name, self._column)
        else:
            with self._lines(over) as lines:
                yield from self._of_lines(lines)

    def _refuse_piped(self) -> None:
        if self._form == "parquet" and not self.again:
            raise BadInput("Parquet is read from a file, not from a pipe")

    def _of_lines(self, lines: Iterator[Line]) -> Iterator[Given]:
        if (first := next(lines, None)) is None:
            return
        every = chain([first], lines)
        form = self._form or self._told(first)
        if form == "openai":
            yield from openai_requests(every)
        elif form == "jsonl":
            yield from json_records(every, self._column)
        else:
            yield from plain_records(every)

    def _told(self, first: Line | None) -> InputFormat:
        suffix = inner_suffix(Path(self.name))
        if suffix == ".json" and first and decoded(first)[0].startswith("["):
            raise BadInput(f"{self.name} is one list: give an object a line, as `jq -c '.[]'` prints them")
        # By its name it is, whatever is wrong with its first line: a prompt is not what is meant.
        if suffix not in _JSON_LINES and not (first and looks_like_json(first.data)):
            return "lines"
        return "openai" if first and is_request(parsed(first)[0]) else "jsonl"

    @contextmanager
    def _lines(self, over: threading.Event | None = None) -> Iterator[Iterator[Line]]:
        with told_if_damaged(self.name), unpacked(self.name, over or threading.Event()) as stream:
            yield numbered(stream)

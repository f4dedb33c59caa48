"""CSV with a header: the prompt in one column; `id` and `manifesto`, where there are such columns, as in JSON lines.

Fields are separated by commas, or by semicolons as where commas are decimal, or by tabs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO

from pipeline.batch.reading.columns import refuse_doubled, refuse_missing
from pipeline.batch.reading.json_records import PROMPT, bad, given
from pipeline.batch.reading.lines import MOST, marked
from pipeline.batch.task import Given
from pipeline.errors import BadInput
from pipeline.files.csv_lines import separator

_ENDS = ("\n", "\r")
_COLUMNS = ("id", "manifesto")


def csv_rows(stream: IO[bytes], name: str, column: str = PROMPT) -> Iterator[Given]:
    """Each row, with the number of its first line. Raises `BadInput` where there is no such column."""
    csv.field_size_limit(MOST)
    # Bytes that are no UTF-8 come through as surrogates, so that they are the fault of their row alone.
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    lines = _Lines(text)
    try:
        first = _first(lines, name)
        # Strict, or else a quote that nobody closes swallows all rows behind it.
        rows = csv.reader(chain(first, lines), strict=True, delimiter=separator(first, column))
        header = _header(rows, name)
        if header is None:
            return
        refuse_missing(column, header, name)
        refuse_doubled((column, *_COLUMNS), header, name)
        while True:
            line = lines.number + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as exc:
                yield bad(line, "", f"not CSV: {exc}")
                continue
            if row:
                yield _given(line, header, row, column)
    finally:
        text.detach()  # the stream is its owner's to close


class _Lines:
    """The lines of a text, counted. One that would fill the memory is passed over, and is no CSV."""

    def __init__(self, text: IO[str], most: int = MOST) -> None:
        self._text = text
        self._most = most
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = part = self._text.readline(self._most)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) < self._most or line.endswith(_ENDS):
            return line
        while part and not part.endswith(_ENDS):
            part = self._text.readline(self._most)
        raise csv.Error(f"a line of more than {self._most:,} characters")


def _first(lines: Iterator[str], name: str) -> list[str]:
    """The first line that is not blank, if there is one. Raises `BadInput` for what is no text."""
    try:
        first = list(islice(filter(str.strip, lines), 1))
    except csv.Error as exc:
        raise BadInput(f"{name}: its header is not CSV: {exc}") from exc
    if any(map(_undecoded, first)):
        raise BadInput(f"{name}: its header is not UTF-8: save it as that")
    return first


def _header(rows: Iterator[list[str]], name: str) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as exc:
        raise BadInput(f"{name}: its header is not CSV: {exc}") from exc


def _given(line: int, header: Sequence[str], row: Sequence[str], column: str) -> Given:
    mark = marked("\0".join(row).encode("utf-8", "surrogateescape"))
    if len(row) != len(header):
        return bad(line, mark, f"{len(row)} fields, and the header has {len(header)}")
    value = dict(zip(header, row, strict=True))
    own = {key: value[key] for key in _COLUMNS if value.get(key)}
    if _undecoded(value[column] + "".join(own.values())):
        return bad(line, mark, "not UTF-8")
    return given(line, mark, {**own, PROMPT: value[column]})


def _undecoded(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)

"""Parquet: columns of the names that JSON lines have as keys. Read a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from critics import ExtraMissing
from pipeline.batch.reading.csv_rows import refuse_missing
from pipeline.batch.reading.json_records import PROMPT, bad, given
from pipeline.batch.reading.lines import marked
from pipeline.batch.task import Given
from pipeline.errors import BadInput

_ROWS = 64
_COLUMNS = ("id", "messages", "context", "manifesto")


def parquet_rows(name: str, column: str = PROMPT) -> Iterator[Given]:
    """Each row; they are counted from 1. Raises `BadInput` for a file that is none, or has no prompts."""
    with _opened(name) as file:
        there = file.schema_arrow.names
        if column != PROMPT or "messages" not in there:
            refuse_missing(column, there, name)
        wanted = [key for key in (column, *_COLUMNS) if key in there]
        number = 0
        for rows in file.iter_batches(batch_size=_ROWS, columns=wanted):
            for row in _read(rows):
                number += 1
                yield _given(number, row, column)


def parquet_total(name: str) -> int:
    """How many rows there are, by the file's own word."""
    with _opened(name) as file:
        return int(file.metadata.num_rows)


def _read(rows: Any) -> list[dict[str, Any] | bytes]:
    """Each row by column, or as bytes where a text in it is no UTF-8, which nobody who writes Parquet need see to."""
    try:
        return list(rows.to_pylist())
    except UnicodeDecodeError:
        if rows.num_rows == 1:
            return [rows.serialize().to_pybytes()]
        return [row for index in range(rows.num_rows) for row in _read(rows.slice(index, 1))]


def _given(number: int, row: dict[str, Any] | bytes, column: str) -> Given:
    if isinstance(row, bytes):
        return bad(number, marked(row), "not UTF-8")
    mark = marked(json.dumps(row, sort_keys=True, default=str).encode())
    return given(number, mark, _said(row), column)


def _said(value: Any) -> Any:
    """Without what is not there: columns, and the keys of what is nested in one, have a value in every row, if only
    none at all."""
    if isinstance(value, list):
        return [_said(each) for each in value]
    if isinstance(value, dict):
        return {key: _said(each) for key, each in value.items() if each is not None}
    return value


def _opened(name: str) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as exc:
        raise ExtraMissing(".parquet", "batch", kind="file") from exc
    try:
        return ParquetFile(name)
    except (ArrowException, OSError, ValueError) as exc:
        raise BadInput(f"{name} is not a Parquet file that can be read: {exc}") from exc

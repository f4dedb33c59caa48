"""Parquet: columns of the names that JSON lines have as keys. Read a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, NamedTuple

from critics import ExtraMissing
from pipeline.batch.reading.columns import refuse_doubled, refuse_missing, refuse_types
from pipeline.batch.reading.json_records import PROMPT, bad, given
from pipeline.batch.reading.lines import marked
from pipeline.batch.reading.packed import PACKED
from pipeline.batch.task import Given
from pipeline.errors import BadInput

_ROWS = 64
_COLUMNS = ("id", "messages", "context", "manifesto")
_MAGIC = b"PAR1"


def parquet_rows(name: str, column: str = PROMPT) -> Iterator[Given]:
    """Each row; they are counted from 1. Where a group of rows is damaged, what cannot be read of it is one fault.
    Raises `BadInput` for a file that is none, or has no prompts."""
    with _opened(name) as file:
        wanted = _wanted(file, name, column)
        number = 0
        for group in range(file.num_row_groups):
            last = number + file.metadata.row_group(group).num_rows
            for row in _rows(file, group, wanted):
                number += 1
                if isinstance(row, _Damage):
                    yield bad(number, marked(b"%d" % number), _lost(number, last, group, row))
                    break
                yield _given(number, row, column)
            number = max(number, last)


def parquet_total(name: str) -> int:
    """How many rows there are, by the file's own word."""
    with _opened(name) as file:
        return int(file.metadata.num_rows)


def _wanted(file: Any, name: str, column: str) -> list[str]:
    there = file.schema_arrow.names
    if column != PROMPT or "messages" not in there:
        refuse_missing(column, there, name)
    wanted = [key for key in dict.fromkeys((column, *_COLUMNS)) if key in there]
    refuse_doubled(wanted, there, name)
    refuse_types({key: str(file.schema_arrow.field(key).type) for key in wanted}, name, column)
    return wanted


class _Damage(str):
    """Why nothing more can be read of a group."""


class _Strange(NamedTuple):
    """A row that is no text, or no value that Python knows: it need not be UTF-8 for who writes Parquet, and a time may
    be before or behind all calendars."""

    data: bytes
    why: str


def _rows(file: Any, group: int, columns: Sequence[str]) -> Iterator[dict[str, Any] | _Strange | _Damage]:
    from pyarrow import ArrowException

    try:
        left = file.metadata.row_group(group).num_rows
        for rows in file.iter_batches(batch_size=_ROWS, row_groups=[group], columns=columns):
            yield from _read(rows)
            left -= rows.num_rows
        if left > 0:
            yield _Damage(f"{left} fewer are there than it says")
    except (ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno:  # the disk's fault, and none of the file
            raise
        yield _Damage(_words(exc))


def _lost(first: int, last: int, group: int, why: str) -> str:
    which = f"row {first}" if first == last else f"rows {first} to {last}"
    return f"{which}, the end of row group {group + 1}, cannot be read: {why}; write the file anew"


def _read(rows: Any) -> list[dict[str, Any] | _Strange]:
    """Each row by column."""
    try:
        return list(rows.to_pylist())
    except (ValueError, OverflowError) as exc:
        if rows.num_rows == 1:
            return [
                _Strange(
                    rows.serialize().to_pybytes(), "not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
                )
            ]
        return [row for index in range(rows.num_rows) for row in _read(rows.slice(index, 1))]


def _given(number: int, row: dict[str, Any] | _Strange, column: str) -> Given:
    if isinstance(row, _Strange):
        return bad(number, marked(row.data), row.why)
    mark = marked(json.dumps(row, sort_keys=True, default=str).encode())
    return given(number, mark, row, column)


def _opened(name: str) -> Any:
    try:
        from pyarrow import ArrowException, BufferReader
        from pyarrow.parquet import ParquetFile, read_metadata
    except ImportError as exc:
        raise ExtraMissing(".parquet", "batch", kind="file") from exc
    if Path(name).suffix.lower() in PACKED:
        raise BadInput(f"{name}: Parquet is packed by itself: unpack it first")
    try:
        with Path(name).open("rb") as file:
            metadata = read_metadata(BufferReader(_footer(file)))
        return ParquetFile(name, metadata=metadata, page_checksum_verification=True)
    except (ArrowException, OSError, ValueError) as exc:
        raise BadInput(
            f"{name} is not a Parquet file that can be read: {_words(exc)}; copy it or write it anew"
        ) from exc


def _words(exc: Exception) -> str:
    """What it says, on one line; some of it may be bytes of the file."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(exc)).split())


def _footer(file: IO[bytes]) -> bytes:
    """The file without its rows, and without Arrow's own word on its columns: they are of Parquet's plain types then,
    and a dictionary is nothing that is damaged by one text in it."""
    size = file.seek(0, SEEK_END)
    file.seek(max(0, size - 8))
    end = file.read()
    length = int.from_bytes(end[:4], "little")
    if not end.endswith(_MAGIC) or size < length + 12:
        raise ValueError("it does not end as one: it is something else, or was cut off")
    file.seek(size - length - 8)
    return _MAGIC + file.read(length).replace(b"ARROW:schema", b"arrow:schema") + end

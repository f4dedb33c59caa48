"""CSV with a header: the prompt in one column; `id` and `manifesto`, where there are such columns, as in JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from pipeline.batch.reading.columns import refuse_doubled, refuse_missing
from pipeline.batch.reading.json_records import PROMPT, bad, given
from pipeline.batch.reading.lines import MOST, marked
from pipeline.batch.task import Given
from pipeline.errors import BadInput
from pipeline.files.csv_table import csv_table, undecoded

_COLUMNS = ("id", "manifesto")


def csv_rows(stream: IO[bytes], name: str, column: str = PROMPT) -> Iterator[Given]:
    """Each row, with the number of its first line. Raises `BadInput` where there is no such column."""
    header: Sequence[str] | None = None
    for line, row in csv_table(stream, column, most=MOST):
        if header is None:
            header = _header(row, name, column)
        elif isinstance(row, str):
            yield bad(line, "", row)
        else:
            yield _given(line, header, row, column)


def _header(row: list[str] | str, name: str, column: str) -> Sequence[str]:
    if isinstance(row, str):
        cure = ": save it as that" if row == "not UTF-8" else ""
        raise BadInput(f"{name}: its header is {row}{cure}")
    refuse_missing(column, row, name)
    refuse_doubled((column, *_COLUMNS), row, name)
    return row


def _given(line: int, header: Sequence[str], row: Sequence[str], column: str) -> Given:
    mark = marked("\0".join(row).encode("utf-8", "surrogateescape"))
    if len(row) != len(header):
        return bad(line, mark, f"{len(row)} fields, and the header has {len(header)}")
    value = dict(zip(header, row, strict=True))
    own = {key: value[key] for key in _COLUMNS if value.get(key) and key != column}
    if undecoded((value[column], *own.values())):
        return bad(line, mark, "not UTF-8")
    return given(line, mark, {**own, PROMPT: value[column]})

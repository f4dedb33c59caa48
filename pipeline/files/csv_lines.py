"""CSV with a header, a record a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from pipeline.files.csv_table import csv_table, undecoded

_MOST = 1 << 26
"""Characters of a line or a cell."""


def csv_lines(stream: IO[bytes]) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each row with the number of its first line, by column, or why it cannot be read. An empty cell is left out, but
    for that of `text`."""
    header: Sequence[str] | None = None
    for line, row in csv_table(stream, "text", most=_MOST):
        if isinstance(row, str):
            yield line, row
        elif header is None:
            header = [name.strip() for name in row]
        elif any(map(str.strip, row)):
            yield line, _record(header, row)


def _record(header: Sequence[str], row: Sequence[str]) -> dict[str, str] | str:
    if len(row) != len(header):
        return f"{len(row)} cells, and the header has {len(header)}"
    if undecoded(row):
        return "not UTF-8"
    return {name: cell for name, cell in zip(header, row, strict=True) if cell or name == "text"}

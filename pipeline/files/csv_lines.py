"""CSV with a header, a record a row. Fields are separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

_MOST = 1 << 26
"""Characters of a cell."""
_SEPARATORS = (",", ";", "\t")


def separator(first: Sequence[str], column: str) -> str:
    """The one by which the header, the first line, has a column; where none does, that which makes the most of it."""
    found = {mark: next(csv.reader(first, delimiter=mark), []) for mark in _SEPARATORS}
    return max(_SEPARATORS, key=lambda mark: (column in found[mark], len(found[mark])))


def csv_lines(stream: IO[bytes]) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each row with the number of its first line, by column, or why it cannot be read. An empty cell is left out, but
    for that of `text`."""
    csv.field_size_limit(_MOST)
    # Bytes that are no UTF-8 come through as surrogates, so that they are the fault of their row alone.
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    try:
        begun = [*_to_header(text)]
        # Strict, or else a quote that nobody closes swallows all rows behind it.
        yield from _rows(csv.reader(chain(begun, text), strict=True, delimiter=separator(begun[-1:], "text")))
    finally:
        text.detach()  # the stream is its owner's to close


def _to_header(text: IO[str]) -> Iterator[str]:
    """The lines up to the first that is not blank."""
    for line in text:
        yield line
        if line.strip():
            return


def _rows(rows: Reader) -> Iterator[tuple[int, dict[str, str] | str]]:
    header: list[str] | None = None
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:
            yield line, f"not CSV: {exc}"
            continue
        if not any(map(str.strip, row)):
            continue
        if header is None:
            header = [name.strip() for name in row]
        else:
            yield line, _record(header, row)


def _record(header: list[str], row: list[str]) -> dict[str, str] | str:
    if len(row) != len(header):
        return f"{len(row)} cells, and the header has {len(header)}"
    if any("\udc80" <= char <= "\udcff" for cell in row for char in cell):
        return "not UTF-8"
    return {name: cell for name, cell in zip(header, row, strict=True) if cell or name == "text"}

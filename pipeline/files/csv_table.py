"""The rows of a CSV file. Fields are separated by commas, or by semicolons as where commas are decimal, or by tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import IO

_ENDS = ("\n", "\r")
_SEPARATORS = (",", ";", "\t")


def csv_table(stream: IO[bytes], column: str, *, most: int) -> Iterator[tuple[int, list[str] | str]]:
    """Each row with the number of its first line, or why it cannot be read; the header, which may have this column, is
    the first. Bytes that are no UTF-8 are surrogates in it. A line or a field has at most so many characters."""
    csv.field_size_limit(most)
    # Surrogates, so that such bytes are the fault of their row alone.
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    lines = _Lines(text, most)
    try:
        header = [*_to_header(lines)]
        if undecoded(header):
            yield lines.number, "not UTF-8"
            return
        # Strict, or else a quote that nobody closes swallows all rows behind it.
        yield from _rows(csv.reader(chain(header, lines), strict=True, delimiter=_separator(header, column)), lines)
    except csv.Error as exc:  # in the header
        yield lines.number, f"not CSV: {exc}"
    finally:
        text.detach()  # the stream is its owner's to close


def undecoded(texts: Iterable[str]) -> bool:
    """Whether any holds bytes that are no UTF-8."""
    return any("\udc80" <= char <= "\udcff" for text in texts for char in text)


def _separator(header: Sequence[str], column: str) -> str:
    """The one by which the header has a column; where none does, that which makes the most of it."""
    found = {mark: next(csv.reader(header, delimiter=mark), []) for mark in _SEPARATORS}
    return max(_SEPARATORS, key=lambda mark: (column in found[mark], len(found[mark])))


def _to_header(lines: Iterator[str]) -> Iterator[str]:
    """The first line that is not blank, if there is one."""
    for line in lines:
        if line.strip():
            yield line
            return


def _rows(rows: Iterator[list[str]], lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    line = lines.number
    while True:
        try:
            if row := next(rows):
                yield line, row
        except StopIteration:
            return
        except csv.Error as exc:
            yield line, f"not CSV: {exc}"
        line = lines.number + 1


class _Lines:
    """The lines of a text, counted. One that would fill the memory is passed over, and is no CSV."""

    def __init__(self, text: IO[str], most: int) -> None:
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

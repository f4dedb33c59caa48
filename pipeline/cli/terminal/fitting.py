"""Tables on terminals that may be too narrow for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

_PROSE = 24
"""Cells that a column whose words wrap should have."""
_ANY = 10_000


@dataclass(frozen=True)
class Fitting:
    """The table where there is room for it, else each of its rows as lines: nothing is cut, a number least of all.

    The first `titles` columns say what a row is about.
    """

    table: Table
    titles: int = 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self._needed(console, options.update(width=_ANY)) <= options.max_width:
            yield self.table
            return
        columns = self.table.columns
        for row in zip(*(map(_text, column.cells) for column in columns), strict=True):
            yield Text(" ").join(text for text in row[: self.titles] if text)
            told = list(zip(columns[self.titles :], row[self.titles :], strict=True))
            figures = [Text.assemble(f"{column.header} ", text) for column, text in told if text and not _wraps(column)]
            for line in (Text("; ").join(figures), *(text for column, text in told if _wraps(column))):
                if line:
                    yield Padding(line, (0, 0, 0, 2))

    def _needed(self, console: Console, options: ConsoleOptions) -> int:
        needed = Measurement.get(console, options, self.table).maximum
        for column in filter(_wraps, self.table.columns):
            widths = [console.measure(cell, options=options).maximum for cell in column.cells]
            needed -= max(0, max(widths, default=0) - _PROSE)
        return needed


def _wraps(column: Column) -> bool:
    return column.overflow == "fold"


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))

"""Labelled rows, read whole before anything is judged, so that a bad one costs a second and not an hour."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from critics import Source
from pipeline.errors import BadInput
from pipeline.evaluation.prompts import digest, digest_of_parts
from pipeline.files.inputs import BadLine, Id, LabelledIn, file_lines, sources

Side = Literal["input", "output"]

_SEED = 0
_SHOWN = 20
"""Faults told at once; of more, the number."""


@dataclass(frozen=True)
class Row:
    """An exchange and the truth about it: whether any rule is broken, and by rule where that is known."""

    set: str
    id: Id
    text: str
    response: str | None
    label: int
    truth: Mapping[str, int]
    category: str = ""
    context: tuple[Source, ...] = ()

    @property
    def side(self) -> Side:
        return "input" if self.response is None else "output"

    @property
    def prompt(self) -> str:
        """The same for rows with the same prompt, empty for none."""
        return digest(self.text)

    @property
    def exchange(self) -> str:
        """The same for rows of which the same is judged: text, response and sources."""
        given = (part for source in self.context for part in astuple(source))
        return digest_of_parts([self.side, self.text, self.response or "", *given])


def read_rows(files: Sequence[Path], *, limit: int | None = None) -> list[Row]:
    """The rows of every file, in order; of each file at most `limit`, from as many equal stretches of it.

    A row without `id` gets its line's number. Raises `BadInput` that names file and line of every fault.
    """
    rows: list[Row] = []
    faults: list[str] = []
    for name, file in _named(files).items():
        own: dict[Id, Row] = {}
        for number, record in file_lines(file, LabelledIn):
            row = _row(name, number, record, own)
            if isinstance(row, Row):
                own[row.id] = row
            else:
                faults.append(f"{file}:{number}: {row}")
        if not own and not faults:
            faults.append(f"{file}: there is no row in it")
        rows += _spread(list(own.values()), limit)
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise BadInput("\n".join(faults[:_SHOWN] + more))
    return rows


def _row(name: str, number: int, record: LabelledIn | BadLine, before: Mapping[Id, Row]) -> Row | str:
    """The row, or what is wrong with it."""
    if isinstance(record, BadLine):
        return record.why
    key = number if record.id is None else record.id
    if key in before:
        return f"a second row with the id {key!r}"
    own = {record.rule: record.label} if record.rule else {}
    return Row(
        name,
        key,
        record.text,
        record.response or None,
        record.label,
        {**record.labels, **own},
        record.category or "",
        sources(record.context),
    )


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """Each file under its stem, or under its whole path where two have the same."""
    stems = [file.stem for file in files]
    return {file.stem if stems.count(file.stem) == 1 else str(file): file for file in files}


def _spread(rows: list[Row], limit: int | None) -> list[Row]:
    if limit is None or len(rows) <= limit:
        return rows
    # By chance within each stretch: every tenth row of a file whose labels take turns would have one label.
    chance = random.Random(_SEED)
    bounds = [index * len(rows) // limit for index in range(limit + 1)]
    return [rows[chance.randrange(start, end)] for start, end in pairwise(bounds)]

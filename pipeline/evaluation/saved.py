"""Judged rows in a file: written line by line, so that a run that is stopped keeps what it paid for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BadInput, OutputFault
from pipeline.evaluation.judged import Judged

Keep = Callable[[Judged], None]


@contextmanager
def saving(path: Path | None) -> Iterator[Keep]:
    """A function that keeps one row; the file gets its name when all are in it, until then it ends in `.partial`.

    Raises `BadInput` for a file that is there already, `OutputFault` where it cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    if path.exists():
        raise BadInput(f"{path} is there already: move it away or choose another file")
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:

            def keep(judged: Judged) -> None:
                # By way of json, because ids and texts may hold lone surrogates, which must not end a run.
                file.write(json.dumps(judged.model_dump()) + "\n")
                file.flush()

            yield keep
        partial.replace(path)
    except OSError as exc:
        raise OutputFault(f"{path} cannot be written: {exc.strerror}") from exc


def read_saved(files: Sequence[Path]) -> list[Judged]:
    """Rows that were kept. Raises `BadInput` with file and line of the first that is none."""
    rows: list[Judged] = []
    for file in files:
        try:
            lines = file.read_bytes().splitlines()
        except OSError as exc:
            raise BadInput(f"{file} cannot be read: {exc.strerror}") from exc
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(Judged.model_validate(json.loads(line)))
            except (ValueError, RecursionError) as exc:
                raise BadInput(f"{file}:{number}: not a row that `superego eval --save` wrote: {_why(exc)}") from exc
    if not rows:
        raise BadInput(f"{', '.join(map(str, files))}: there is no row in it")
    return rows


def _why(exc: Exception) -> str:
    if not isinstance(exc, ValidationError):
        return str(exc)
    first = exc.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"

"""Judged rows in a file: written line by line, so that a run that is stopped keeps what it paid for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BadInput
from pipeline.evaluation.judged import Judged
from pipeline.files.inputs import Id
from pipeline.files.replacing import writing

Keep = Callable[[Judged], None]


@contextmanager
def saving(path: Path | None) -> Iterator[Keep]:
    """A function that keeps one row; the file gets its name when all are in it, until then it ends in `.partial`.

    Raises `BadInput` as `refuse_saved` does, `OutputFault` where it cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    refuse_saved(path)
    partial = _partial(path)
    with writing(path):
        with _emptied(partial), partial.open("x", encoding="utf-8") as file:

            def keep(judged: Judged) -> None:
                # By way of json, because ids and texts may hold lone surrogates, which must not end a run.
                file.write(json.dumps(judged.model_dump()) + "\n")
                file.flush()

            yield keep
        partial.replace(path)


def refuse_saved(path: Path) -> None:
    """Raise `BadInput` where a run has kept its rows there already, all of them or some before it was stopped."""
    if path.exists():
        raise BadInput(f"{path} is there already: move it away or choose another file")
    if (partial := _partial(path)).exists():
        raise BadInput(
            f"{partial} has what a run had judged that was stopped: move it away, or use it with --compare, or "
            "calibrate --from"
        )


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


@contextmanager
def _emptied(partial: Path) -> Iterator[None]:
    """Without the file if nothing came into it, so that the same command can be given once more."""
    try:
        yield
    except BaseException:
        if partial.is_file() and not partial.stat().st_size:
            partial.unlink()
        raise


def read_saved(files: Sequence[Path], tell: Callable[[str], None] | None = None) -> list[Judged]:
    """Rows that were kept. A last line that a run was stopped in the midst of is left out, where there is somebody to
    `tell`. Raises `BadInput` with file and line of the first that is no row, or is there twice."""
    rows: dict[tuple[str, Id], Judged] = {}
    for file in files:
        for number, line in _lines(file, tell):
            try:
                row = Judged.model_validate(json.loads(line))
            except (ValueError, RecursionError) as exc:
                raise BadInput(f"{file}:{number}: not a row that `superego eval --save` wrote: {_why(exc)}") from exc
            if rows.setdefault((row.set, row.id), row) is not row:
                raise BadInput(
                    f"{file}:{number}: a second row {row.id!r} of {row.set}, and each counts once: leave one out, or "
                    "if they are of two files with one name, rename a file and judge it anew"
                )
    if not rows:
        raise BadInput(f"{', '.join(map(str, files))}: there is no row in it")
    return list(rows.values())


def _lines(file: Path, tell: Callable[[str], None] | None) -> Iterator[tuple[int, bytes]]:
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise BadInput(f"{file} cannot be read: {exc.strerror}") from exc
    lines = content.splitlines()
    if tell and lines and not content.endswith(b"\n") and _torn(lines[-1]):
        lines.pop()
        tell(f"note: {file}:{len(lines) + 1} is left out: the run that wrote it was stopped before the line's end")
    yield from enumerate(lines, start=1)


def _torn(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def _why(exc: Exception) -> str:
    if not isinstance(exc, ValidationError):
        return str(exc)
    first = exc.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"

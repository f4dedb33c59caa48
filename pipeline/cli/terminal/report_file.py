"""Where a page of HTML is written to."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import BadInput
from pipeline.files.replacing import writing


def writable(path: Path, *, beside: tuple[Path, ...] = ()) -> None:
    """Raise `BadInput` for a place that cannot be, or that is one of those `beside`, before anything is begun."""
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: there is no such folder")
    if path.is_dir() or path.resolve() in {other.resolve() for other in beside}:
        raise BadInput(f"{path} cannot be the report: it is something else already")


def write(path: Path, text: str) -> None:
    """Raises `OutputFault`."""
    with writing(path):
        path.write_text(text, "utf-8", errors="replace")

"""Files that are written whole or not at all, and what is told where they cannot be."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import OutputFault


@contextmanager
def writing(path: Path, also: type[Exception] = OSError) -> Iterator[None]:
    """Raise `OutputFault` for an `OSError` where something is written to `path`, and for what a library raises in its
    place."""
    try:
        yield
    except (OSError, also) as exc:
        raise OutputFault(f"{path} cannot be written: {getattr(exc, 'strerror', None) or exc}") from exc


@contextmanager
def replacing(path: Path, also: type[Exception] = OSError) -> Iterator[Path]:
    """Where to write what takes the place of `path` once it is whole. Where anything is raised, `path` stays as it was,
    and nothing is left beside it. Raises as `writing` does."""
    # Two may write the same at once, also in one process, and neither must see the other's half. It is no temporary
    # file of Python's own: nobody else could read it.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with writing(path, also):
            yield part
            os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()

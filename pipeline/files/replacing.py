"""Files that are written whole or not at all, and what is told where they cannot be."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from pipeline.errors import OutputFault

_PART = ".{name}.{mark}.part"


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
    """Where to write what takes the place of `path`, or of the file that it links to, once it is whole.

    Who may read it stays as it was; where anything is raised, so does all of it, and nothing is left beside it; a
    process that is killed leaves the part. Raises as `writing` does, and for what is no file, as a folder or
    `/dev/null`, before anything is written.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputFault(f"{path} cannot be written: it is no file, and none takes its place")
    target = Path(os.path.realpath(path))
    # Two may write the same at once, also in one process, and neither must see the other's half. It is no temporary
    # file of Python's own: nobody else could read it.
    part = target.with_name(_PART.format(name=target.name, mark=secrets.token_hex(4)))
    try:
        with writing(path, also):
            yield part
            if target.is_file():
                shutil.copymode(target, part)
            os.replace(part, target)
    finally:
        with suppress(OSError):
            part.unlink()


def left_behind(path: Path) -> list[Path]:
    """Parts of the file that processes left which were killed."""
    path = Path(os.path.realpath(path))
    return list(path.parent.glob(_PART.format(name=escape(path.name), mark="*")))

"""A file of one's own, and what is forced onto the disk."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from pipeline.errors import BadInput


def on_disk(path: Path) -> None:
    """Force a file, or the names in a folder, onto the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def locked(path: Path) -> int:
    """The file, open and ours alone. Raises `BadInput` where it is another run's. What is made here can be read by its
    owner alone: answers that nobody has given out yet are nobody else's business."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(path, file):
                return file
        except BlockingIOError:
            os.close(file)
            raise BadInput(f"another run is writing {path}") from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # a run that just ended has removed it


def _is(path: Path, file: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file))
    return False

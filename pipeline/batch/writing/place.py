"""Where an output can be at all."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from pipeline.errors import BadInput

_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Their names lead to whatever is open, which may be a file; to put one in their place would be the system's end."""


def refuse_unusable(path: Path) -> None:
    """Raises `BadInput` for a place at which no file or folder can be."""
    if path == Path("-"):
        raise BadInput("a batch is written whole, in the end: give -o a file, and print that")
    if not path.name or path.name == "..":
        raise BadInput(f"{path} is a folder: name the file in it that is to be written")
    try:
        there, mode = path.parent.is_dir(), _mode(path)
    except (OSError, ValueError) as exc:
        raise BadInput(f"{path} cannot be written: {getattr(exc, 'strerror', None) or exc}") from exc
    if not there:
        raise BadInput(f"{path} cannot be written: there is no such folder")
    device = Path(os.path.abspath(path)).parent in _DEVICES
    if device or not (mode is None or S_ISREG(mode) or S_ISDIR(mode)):
        raise BadInput(f"{path} is no file, and none takes its place: choose another output")


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None

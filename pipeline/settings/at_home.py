"""What may be named by its path: `~` is a folder of the user's, as in a shell, and a `Path` does for a text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator


def at_home(value: object) -> object:
    """What is no path is somebody else's to complain of. Raises `ValueError` for the home of nobody."""
    told = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(told, str) or not told.startswith("~"):
        return told
    if (found := os.path.expanduser(told)) == told:
        raise ValueError(f"{told}: there is no such home folder")
    return found


Name = Annotated[str, BeforeValidator(at_home)]
"""A name, or a path."""
File = Annotated[Path, BeforeValidator(at_home)]

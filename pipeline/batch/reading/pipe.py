"""A stream that can be read only once, and may say nothing for hours."""

from __future__ import annotations

import io
import os
import select
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK = 100
"""Milliseconds between two looks at whether anybody still waits."""


class Pipe(io.RawIOBase):
    """The bytes of an open file, as they come. It is at its end as well once it is `over`."""

    def __init__(self, file: int, over: threading.Event) -> None:
        self._file = file
        self._over = over
        self._ready = select.poll()
        self._ready.register(file, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._over.is_set():
            if self._ready.poll(_LOOK):
                with suppress(BlockingIOError):
                    data = os.read(self._file, len(buffer))
                    buffer[: len(data)] = data
                    return len(data)
        return 0

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def opened(path: str, over: threading.Event) -> io.BufferedReader:
    """A file, or what is none: whoever is to write to a pipe need not be there yet. Raises `OSError`, `ValueError`."""
    if Path(path).is_file():
        return Path(path).open("rb")
    return io.BufferedReader(Pipe(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), over))


def standard_input(file: int, over: threading.Event) -> io.BufferedReader:
    """A copy of it, which can be closed."""
    return io.BufferedReader(Pipe(os.dup(file), over))

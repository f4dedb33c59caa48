"""The output of a batch while it grows: `OUT.partial`, a record a line in the order of the input, renamed at the end.

A run that was killed leaves a partial file; the same command goes on behind its last whole line. Nobody else may write
to it meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pipeline.errors import BadInput, OutputFault


class Output:
    """Use as a context manager. Raises `BadInput` where the output exists, or is being written by another run."""

    def __init__(self, path: Path, *, stamp: str) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._stamp = stamp
        self._file: IO[bytes]
        self.done: list[str] = []
        """The `input` marks of the records that an earlier run wrote, in order."""

    def __enter__(self) -> Output:
        try:
            if self._path.exists():
                raise BadInput(f"{self._path} is there already: move it away or choose another output")
            self._file = self._partial.open("a+b")
        except OSError as exc:
            raise OutputFault(f"{self._partial} cannot be written: {exc.strerror}") from exc
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BlockingIOError:
            self._file.close()
            raise BadInput(f"another run is writing {self._partial}") from None
        except BadInput:
            self._file.close()
            raise
        return self

    def _recover(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break  # The write in which the earlier run was killed.
            try:
                record = json.loads(line)
                stamp, mark = record["stamp"], record["input"]
            except (ValueError, KeyError, TypeError):
                raise BadInput(f"{self._partial}:{number}: not a record of a batch: move the file away") from None
            if stamp != self._stamp:
                raise BadInput(
                    f"{self._partial} was begun under another manifesto, model or seed: finish it with that one, "
                    "or move it away to start anew"
                )
            self.done.append(mark)
            whole += len(line)
        self._file.truncate(whole)
        self._file.seek(whole)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record and hand it to the operating system. Raises `OutputFault` on a full disk."""
        line = json.dumps({**record, "stamp": self._stamp}, ensure_ascii=False).encode("utf-8", "backslashreplace")
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as exc:
            raise OutputFault(f"{self._partial}: {exc.strerror}; what was written is kept, run again to go on") from exc

    def finish(self) -> None:
        """Everything is written: give the file its name, atomically."""
        try:
            os.fsync(self._file.fileno())
            self._partial.replace(self._path)
        except OSError as exc:
            raise OutputFault(f"{self._path} cannot be written: {exc.strerror}; all is in {self._partial}") from exc

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

"""The journal of a batch, `OUT.journal`: what is done, written ahead of the output, a record at a time.

A line is handed to the operating system as soon as a record is done, so a killed process loses nothing but the line
that it was writing; every second the file is forced onto the disk, so that a power cut loses a second at most. The
output is made of it in the end. While a run has it open, nobody else can.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pipeline.batch.keeping.disk import locked, on_disk
from pipeline.batch.keeping.entry import Entry, Fact, entry_line, fact_line, read_line
from pipeline.batch.keeping.ordered import Done, ordered
from pipeline.batch.task import Record
from pipeline.errors import BadInput, OutputFault

SYNC_SECONDS = 1.0

_NAME = "superego-batch"
_HEAD = fact_line(_NAME, 2)
"""The first line, which tells a journal from anything else, and from one whose records have other keys."""


class Journal:
    """Use as a context manager. Raises `BadInput` where another run has it, `OutputFault` where it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}
        self.done = Done()
        self.lost = 0
        """Bytes at the end that were not whole lines, and were cut off."""
        self._file = -1
        self._end = 0
        self._synced = 0.0

    def __enter__(self) -> Self:
        try:
            self._file = locked(self.path)
            self._recover()
        except OSError as exc:
            self.__exit__(None, None, None)
            raise OutputFault(f"{self.path} cannot be written: {exc.strerror}") from exc
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            with suppress(OSError):
                if self._end and not self.facts and not self.done:
                    self.remove()  # nothing has begun
                os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def add(self, position: int, mark: str, record: Record) -> None:
        """Keep what came of a record. Raises `OutputFault` on a full disk; what was kept before stays."""
        self._append(entry_line(position, mark, encoded(record)))
        self.done.add(position)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Keep facts about the run, on the disk."""
        for name, value in facts.items():
            self._append(fact_line(name, value))
            self.facts[name] = value
        self.sync()

    def sync(self) -> None:
        """Force what has been written onto the disk."""
        try:
            os.fsync(self._file)
        except OSError as exc:
            raise self._fault(exc) from exc
        self._synced = time.monotonic()

    def entries(self) -> Iterator[Entry]:
        """What is in it at the time of the call, in the order of the input. It may grow meanwhile.

        Raises `OutputFault` where the disk does not give back what was written.
        """
        return ordered(line for line in self._whole(self._end) if isinstance(line, Entry))

    def record(self, entry: Entry) -> Record:
        """What came of a record."""
        value: Record = json.loads(os.pread(self._file, entry.length, entry.offset))
        return value

    def clear(self) -> None:
        """Forget everything."""
        os.ftruncate(self._file, len(_HEAD))
        self._end, self.done = len(_HEAD), Done()
        self.facts.clear()

    def remove(self) -> None:
        """Everything is where it belongs: no journal is needed any more."""
        self.path.unlink(missing_ok=True)

    def _append(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as exc:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise self._fault(exc) from exc
        self._end += len(line)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self.sync()

    def _recover(self) -> None:
        if not _HEAD.startswith(os.pread(self._file, len(_HEAD), 0)):
            raise BadInput(
                f"{self.path} is not the journal of a batch by this version: move it away, or choose another output"
            )
        for end, line in self._read(os.fstat(self._file).st_size):
            self._end = end
            if isinstance(line, Entry):
                self.done.add(line.position)
            elif line.name != _NAME:
                self.facts[line.name] = line.value
        self.lost = os.fstat(self._file).st_size - self._end
        os.ftruncate(self._file, self._end)
        if not self._end:
            self._append(_HEAD)
            on_disk(self.path.parent)

    def _read(self, upto: int) -> Iterator[tuple[int, Entry | Fact]]:
        """Where each line ends, and what it says, up to the first that is not whole: there a killed run was writing."""
        with self.path.open("rb", buffering=1 << 18) as file:
            offset = 0
            while offset < upto and (read := read_line(line := file.readline(), offset)) is not None:
                offset += len(line)
                yield offset, read

    def _whole(self, upto: int) -> Iterator[Entry | Fact]:
        """The lines up to there, all of which were whole once."""
        whole = 0
        for end, line in self._read(upto):
            whole = end
            yield line
        if whole < upto:
            raise OutputFault(
                f"{self.path} has changed on the disk at byte {whole}: run the same command again, "
                "without --restart, and what stood from there on is done again"
            )

    def _fault(self, exc: OSError) -> OutputFault:
        return OutputFault(
            f"{self.path}: {exc.strerror}; what was written is kept, "
            "run the same command again, without --restart, to go on"
        )


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as JSON on one line. Lone surrogates, which a prompt may hold, are escaped."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace")

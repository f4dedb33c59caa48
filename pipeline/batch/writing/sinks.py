"""What takes records one by one and makes a file of them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from pipeline.batch.drafts import without_drafts
from pipeline.batch.keeping.journal import encoded
from pipeline.batch.task import Record
from pipeline.batch.writing.columns import COLUMNS, row
from pipeline.batch.zstd import zstd_file


class Sink(Protocol):
    """Take a record, drafts and all, in order. It writes them where it is made `full`."""

    def __call__(self, record: Record) -> None: ...


class JsonSink:
    """A line a record."""

    def __init__(self, stream: IO[bytes], *, full: bool) -> None:
        self._stream = stream
        self._full = full

    def __call__(self, record: Record) -> None:
        self._stream.write(encoded(record if self._full else without_drafts(record)) + b"\n")


class CsvSink:
    """A header, and a row a record."""

    def __init__(self, stream: IO[bytes], *, full: bool) -> None:
        self._full = full
        self._text = io.TextIOWrapper(stream, "utf-8", newline="")
        self._rows = csv.DictWriter(self._text, list(COLUMNS), lineterminator="\r\n")
        self._rows.writeheader()

    def __call__(self, record: Record) -> None:
        self._rows.writerow(row(record, full=self._full))

    def close(self) -> None:
        """Write what is held back; the stream is its owner's to close."""
        self._text.detach()


@contextmanager
def packing(path: Path, named: Path) -> Iterator[IO[bytes]]:
    """A new file at `path`, packed as the suffix of `named` says, with nothing in it that tells when."""
    with ExitStack() as stack:
        stream: IO[bytes] = stack.enter_context(path.open("wb", buffering=1 << 18))
        if named.suffix.lower() == ".gz":
            packed: Any = gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
            stream = stack.enter_context(cast(IO[bytes], packed))
        elif named.suffix.lower() == ".zst":
            stream = stack.enter_context(zstd_file(stream, "wb"))
        yield stream

"""Files as they are, or packed as `.gz` or `.zst`, as a stream of bytes; standard input as `-`."""

from __future__ import annotations

import gzip
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from pipeline.batch.reading.pipe import opened, standard_input
from pipeline.batch.zstd import is_zstd_error, zstd_file
from pipeline.errors import BadInput

STDIN = "-"
PACKED = (".gz", ".zst")


def inner_suffix(path: Path) -> str:
    """The suffix that tells what is in a file, below the one that tells how it is packed."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


@contextmanager
def unpacked(name: str, over: threading.Event) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked. What is no regular file ends once it is `over`. Raises `BadInput` where it cannot be
    opened."""
    with ExitStack() as stack:
        if name == STDIN:
            yield (
                stack.enter_context(standard_input(file, over)) if (file := _number()) is not None else sys.stdin.buffer
            )
            return
        try:
            stream: IO[bytes] = stack.enter_context(opened(name, over))
        except (OSError, ValueError) as exc:
            raise BadInput(f"{name} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
        suffix = Path(name).suffix.lower()
        if suffix == ".gz":
            stream = stack.enter_context(cast(IO[bytes], gzip.GzipFile(fileobj=stream)))
        elif suffix == ".zst":
            stream = stack.enter_context(zstd_file(stream, "rb"))
        yield stream


def _number() -> int | None:
    """Of standard input, where it is a file at all."""
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return None


@contextmanager
def told_if_damaged(name: str) -> Iterator[None]:
    """What a stream raises where it is damaged, or stops too early, or cannot be read on, as `BadInput`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise BadInput(f"{name} is damaged, or ends too early: {exc}") from exc
    except OSError as exc:
        raise BadInput(f"{name} cannot be read: {exc.strerror or exc}") from exc
    except Exception as exc:
        if is_zstd_error(exc):
            raise BadInput(f"{name} is damaged, or ends too early: {exc}") from exc
        raise

"""A stream as numbered lines, none of which can fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO

from pipeline.files.inputs import blank

MOST = 16 << 20
"""Bytes in a line. A longer one is no prompt; it is passed over, and is a fault of its own."""


@dataclass(frozen=True)
class Line:
    """A line that is not blank, or the beginning of one that is too long. Numbers count from 1."""

    number: int
    data: bytes
    too_long: bool = False

    @property
    def mark(self) -> str:
        """Tells this line from another: 16 hex digits."""
        return marked(self.data)


def marked(data: bytes) -> str:
    """A digest of what was given for a record: 16 hex digits."""
    return blake2b(data, digest_size=8).hexdigest()


def numbered(stream: IO[bytes], most: int = MOST) -> Iterator[Line]:
    """Every line that is not blank."""
    number = 0
    while data := stream.readline(most):
        number += 1
        whole = data.endswith(b"\n") or len(data) < most
        if not whole:
            _pass_over(stream, most)
        if not blank(data):
            yield Line(number, data, too_long=not whole)


def _pass_over(stream: IO[bytes], most: int) -> None:
    while (more := stream.readline(most)) and not more.endswith(b"\n"):
        pass

"""A line of the journal: its checksum, then a record with its place and mark, or a fact about the run.

    7c5de9a3 41 9f0c6e21d4b8a753 {"id": "a", "line": 42, "status": "released", …}
    0b6e11f2 - - {"manifesto": "5b1f…"}

A line that was cut off, or has changed on the disk, does not match its checksum.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A record as it stands in the file: `length` bytes of JSON at `offset`."""

    position: int
    mark: str
    offset: int
    length: int


@dataclass(frozen=True)
class Fact:
    """Something that holds for the whole run."""

    name: str
    value: Any


def entry_line(position: int, mark: str, record: bytes) -> bytes:
    return _checked(b"%d %s %s" % (position, mark.encode() or b"-", record))


def fact_line(name: str, value: Any) -> bytes:
    return _checked(b"- - %s" % json.dumps({name: value}).encode())


def read_line(line: bytes, offset: int) -> Entry | Fact | None:
    """What a line that begins at `offset` says; `None` where it is not whole."""
    checksum, _, rest = line.partition(b" ")
    if not line.endswith(b"\n") or checksum != _checksum(rest[:-1]):
        return None
    place, mark, value = rest.split(b" ", 2)
    if place == b"-":
        return Fact(*json.loads(value).popitem())
    length = len(value) - 1
    return Entry(int(place), "" if mark == b"-" else mark.decode(), offset + len(line) - 1 - length, length)


def _checked(rest: bytes) -> bytes:
    return b"%s %s\n" % (_checksum(rest), rest)


def _checksum(rest: bytes) -> bytes:
    return b"%08x" % zlib.crc32(rest)

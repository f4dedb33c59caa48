"""A GGUF file (version 3) with other texts in its metadata, the weights as they were; no test of its own."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32


def write_renamed(source: Path, target: Path, texts: Mapping[str, str]) -> None:
    """Copy `source`, with `texts` in the place of the values of those keys, which it must have."""
    with source.open("rb") as file:
        head = file.read(8)
        tensors, pairs = struct.unpack("<QQ", file.read(16))
        head += struct.pack("<QQ", tensors, pairs)
        for _ in range(pairs):
            head += _pair(file, texts)
        start = file.tell()
        for _ in range(tensors):
            _text(file)
            (dimensions,) = struct.unpack("<I", file.read(4))
            file.read(8 * dimensions + 12)
        end = file.tell()
        file.seek(start)
        head += file.read(end - start)
        file.seek(-(-end // _ALIGNMENT) * _ALIGNMENT)
        with target.open("wb") as out:
            out.write(head + bytes(-len(head) % _ALIGNMENT))
            while data := file.read(1 << 24):
                out.write(data)


def _pair(file: BinaryIO, texts: Mapping[str, str]) -> bytes:
    start = file.tell()
    key = _text(file)
    (kind,) = struct.unpack("<I", file.read(4))
    _skip(file, kind)
    if key in texts:
        return _packed(key) + struct.pack("<I", _STRING) + _packed(texts[key])
    end = file.tell()
    file.seek(start)
    return file.read(end - start)


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _text(file)
    elif kind == _ARRAY:
        inner, count = struct.unpack("<IQ", file.read(12))
        for _ in range(count):
            _skip(file, inner)
    else:
        file.read(_SIZES[kind])


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(length).decode()


def _packed(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()

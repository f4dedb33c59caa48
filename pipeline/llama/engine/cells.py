"""What llama.cpp saves of a sequence, read: where its cells stand, and their values at a layer.

The values are what attention reads of a token: a linear image of the normalised hidden state that enters the layer.
They are in the cache anyway, so that looking at them costs no token. A cache that is parted among its sequences says of
each part how many cells follow, of all but one none: so what was saved of either kind can be restored into the other.
The format is that of llama.cpp's `state_write` in src/llama-kv-cache.cpp, for caches in half precision.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelFault
from pipeline.llama.engine.device import Saved

T = TypeVar("T", bound=np.generic)

_MAGIC = 0xAF143CD8
_HEAD, _COUNT = struct.Struct("<IiI"), struct.Struct("<I")
"""The magic number, the sequence and how many streams there are; then for each stream how many cells follow."""
_HALF = 1
"""ggml's number for half precision."""


def mean_values(saved: Saved, start: int, end: int, layers: Sequence[int]) -> npt.NDArray[np.float32]:
    """The mean over the cells at positions `start` to `end` of the values at each layer, shape (layers, width).

    Raises `ModelFault` for a format that it does not know, or a layer that is not there.
    """
    try:
        return _mean(_Reader(saved), start, end, layers)
    except (struct.error, ValueError, OverflowError) as exc:
        raise ModelFault(f"this version of llama.cpp saves sequences otherwise: {exc}") from exc


def for_part(saved: Saved, parts: int) -> Saved:
    """What was saved of a shared cache, with the `part_counts` of so many parts behind it, as a cache of these parts
    restores it: the same memory. Raises `ModelFault` for a format that it does not know."""
    _relabel(saved, 0, 1, parts)
    saved[len(saved) - part_counts(parts) :] = 0
    return saved


def of_part(saved: Saved, part: int, parts: int) -> Saved:
    """What was saved of this part of a cache, as a shared one restores it: in the same memory. Raises as `for_part`."""
    _relabel(saved, _COUNT.size * part, parts, 1)
    return saved[_COUNT.size * part : len(saved) - _COUNT.size * (parts - 1 - part)]


def part_counts(parts: int) -> int:
    """Bytes that a cache of so many parts saves of a sequence more than a shared one."""
    return _COUNT.size * (parts - 1)


def _relabel(saved: Saved, at: int, found: int, parts: int) -> None:
    magic, sequence, streams = _HEAD.unpack_from(saved.data)
    if (magic, streams) != (_MAGIC, found):
        raise ModelFault(f"this version of llama.cpp saves sequences otherwise: {magic:#x}, {streams} streams")
    _HEAD.pack_into(saved.data, at, magic, sequence, parts)


def _mean(reader: _Reader, start: int, end: int, layers: Sequence[int]) -> npt.NDArray[np.float32]:
    magic, _, streams, count = reader.take("IiII")
    if magic != _MAGIC or streams != 1:
        raise ValueError(f"magic number {magic:#x}, {streams} streams")
    # Each cell: its position, how many sequences, and this one.
    positions = reader.array(np.int32, 3 * count).reshape(count, 3)[:, 0]
    transposed, depth = reader.take("II")
    if strange := [layer for layer in layers if not 0 <= layer < depth]:
        raise ModelFault(f"there is no layer {strange[0]}: the model has {depth}")
    for _ in range(depth):
        _, width = reader.take("iQ")
        reader.skip(width * count)
    wanted = (positions >= start) & (positions < end)
    if not wanted.any():
        raise ModelFault(f"nothing is at positions {start} to {end}")
    found = [_values(reader, count, bool(transposed)) for _ in range(depth)]
    reader.finish()
    return np.stack([found[layer][wanted].astype(np.float32).mean(axis=0) for layer in layers])


def _values(reader: _Reader, count: int, transposed: bool) -> npt.NDArray[np.float16]:
    """Of one layer, shape (cells, width)."""
    if transposed:
        kind, size, width = reader.take("iII")
    else:
        kind, row = reader.take("iQ")
        size, width = 2, row // 2
    if kind != _HALF or size != 2:
        raise ValueError(f"values of type {kind}")
    values = reader.array(np.float16, count * width)
    return values.reshape(width, count).T if transposed else values.reshape(count, width)


class _Reader:
    """Goes through the bytes, copying none."""

    def __init__(self, saved: Saved) -> None:
        self._bytes = saved.data
        self._at = 0

    def take(self, form: str) -> tuple[int, ...]:
        form = f"<{form}"
        found = struct.unpack_from(form, self._bytes, self._at)
        self._at += struct.calcsize(form)
        return found

    def array(self, kind: type[T], count: int) -> npt.NDArray[T]:
        found = np.frombuffer(self._bytes, dtype=kind, count=count, offset=self._at)
        self._at += found.nbytes
        return found

    def skip(self, size: int) -> None:
        self._at += size

    def finish(self) -> None:
        if self._at != len(self._bytes):
            raise ValueError(f"{len(self._bytes) - self._at} bytes are left over")

"""A Llama's layers in numpy, over many sequences that begin alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.identity.steer.weights import Array, Shape

Ints = npt.NDArray[np.intp]


class Stream:
    """Sequences that share a prefix, at one layer: `hidden` has a row for each token of the prefix, which is there
    once, and then of the sequences, one after the other."""

    def __init__(self, prefix: int, lengths: Sequence[int], shape: Shape) -> None:
        self.prefix = prefix
        self.lengths = tuple(lengths)
        self.hidden: Array = np.zeros((0, 0), np.float32)
        self._shape = shape
        longest = max(lengths, default=0)
        starts = prefix + np.cumsum([0, *lengths[:-1]])
        ticks = np.arange(longest)
        self._filled = ticks < np.asarray(lengths)[:, None]
        rows = np.where(self._filled, starts[:, None] + ticks, 0)
        self._rows: Ints = rows
        positions = np.concatenate([np.arange(prefix), *(prefix + np.arange(n) for n in lengths)])
        angles = positions[:, None].astype(np.float32) * shape.frequencies
        self._cos, self._sin = np.cos(angles)[:, None], np.sin(angles)[:, None]

    @property
    def starts(self) -> list[int]:
        """The row at which each sequence begins."""
        return [self.prefix + sum(self.lengths[:i]) for i in range(len(self.lengths))]

    def attended(self, weights: Mapping[str, Array]) -> Array:
        """What comes into `attn_output`, shape (rows, heads x width)."""
        shape = self._shape
        normal = rms(self.hidden, weights["attn_norm"], shape.epsilon)
        q = self._turned(normal @ weights["attn_q"].T, shape.heads) / np.float32(np.sqrt(shape.head))
        k = self._turned(normal @ weights["attn_k"].T, shape.kv_heads)
        v = (normal @ weights["attn_v"].T).reshape(-1, shape.kv_heads, shape.head)
        out = np.empty((len(q), shape.heads, shape.head), np.float32)
        head_rows = np.arange(self.prefix)[None]
        before = None
        if self.prefix:
            kp, vp = k[: self.prefix].swapaxes(0, 1), v[: self.prefix].swapaxes(0, 1)
            out[: self.prefix] = self._attend(q, k, v, head_rows, None)[0]
            before = kp, vp
        for part in np.array_split(np.arange(len(self.lengths)), max(1, len(self.lengths) // 16)):
            if part.size:
                rows, filled = self._rows[part], self._filled[part]
                out[rows[filled]] = self._attend(q, k, v, rows, before)[filled]
        return out.reshape(len(out), -1)

    def _attend(self, q: Array, k: Array, v: Array, rows: Ints, before: tuple[Array, Array] | None) -> Array:
        """Of `rows`, shape (sequences, time); gives (sequences, time, heads, width)."""
        count, time = rows.shape
        shape = self._shape
        group = shape.heads // shape.kv_heads
        qs = q[rows].reshape(count, time, shape.kv_heads, group, shape.head)
        qs = np.ascontiguousarray(qs.transpose(0, 2, 3, 1, 4)).reshape(count, shape.kv_heads, group * time, shape.head)
        ks, vs = k[rows].transpose(0, 2, 1, 3), v[rows].transpose(0, 2, 1, 3)
        own = qs @ ks.swapaxes(-1, -2)
        future = np.triu(np.full((time, time), -np.inf, np.float32), 1)
        own.reshape(count, shape.kv_heads, group, time, time)[...] += future
        most = own.max(axis=-1, keepdims=True)
        if before is not None:
            past = qs @ before[0].swapaxes(-1, -2)
            most = np.maximum(most, past.max(axis=-1, keepdims=True))
            past = np.exp(np.subtract(past, most, out=past), out=past)
        own = np.exp(np.subtract(own, most, out=own), out=own)
        total = own.sum(axis=-1, keepdims=True)
        mixed = own @ vs
        if before is not None:
            total += past.sum(axis=-1, keepdims=True)
            mixed += past @ before[1]
        mixed /= total
        mixed = mixed.reshape(count, shape.kv_heads, group, time, shape.head).transpose(0, 3, 1, 2, 4)
        return np.asarray(mixed.reshape(count, time, shape.heads, shape.head))

    def _turned(self, flat: Array, heads: int) -> Array:
        """Rotary positions, on neighbouring pairs, as llama.cpp keeps them."""
        pairs = flat.reshape(len(flat), heads, -1, 2)
        even, odd = pairs[..., 0], pairs[..., 1]
        out = np.empty_like(pairs)
        out[..., 0] = even * self._cos - odd * self._sin
        out[..., 1] = even * self._sin + odd * self._cos
        return out.reshape(len(flat), heads, -1)

    def activated(self, weights: Mapping[str, Array]) -> Array:
        """What comes into `ffn_down`."""
        normal = rms(self.hidden, weights["ffn_norm"], self._shape.epsilon)
        gate = normal @ weights["ffn_gate"].T
        gate /= 1 + np.exp(-gate)
        gate *= normal @ weights["ffn_up"].T
        return gate


def rms(values: Array, scale: Array, epsilon: float) -> Array:
    """Each row over its root mean square, times a scale a column."""
    mean = np.mean(np.square(values), axis=-1, keepdims=True)
    return np.asarray(values * (1 / np.sqrt(mean + np.float32(epsilon))) * scale, dtype=np.float32)

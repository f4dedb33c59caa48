"""A Llama's layers in numpy, over many sequences that begin alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from pipeline.identity.steer.heads import Heads, Own, turned
from pipeline.identity.steer.solve import Patch
from pipeline.identity.steer.weights import Array, Shape

Ints = npt.NDArray[np.intp]

Patches = Mapping[str, Patch]
"""Changes of one layer, by the matrix."""


class Stream:
    """Sequences that share a prefix, at one layer: `hidden` has a row for each token of the prefix, which is there
    once, and then of the sequences, one after the other."""

    def __init__(self, prefix: int, lengths: Sequence[int], shape: Shape) -> None:
        self.prefix = prefix
        self.lengths = tuple(lengths)
        self.hidden: Array = np.zeros((0, 0), np.float32)
        self.shape = shape
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

    def through(self, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> Array:
        """One layer on; gives what came into its `ffn_down`."""
        self.attend(weights, patches)
        return self.feed(weights, patches)

    def attend(self, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> None:
        """The first half of a layer."""
        self.hidden = self.hidden + linear(self.attended(weights, patches), weights, "attn_output", patches)

    def feed(self, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> Array:
        """The second half of a layer; gives what came into `ffn_down`."""
        inputs = self.activated(weights, patches)
        self.hidden = self.hidden + linear(inputs, weights, "ffn_down", patches)
        return inputs

    def attended(self, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> Array:
        """What comes into `attn_output`, shape (rows, heads x width)."""
        heads = self.projected(self.normal(weights), weights, patches)
        return self.mixed(heads, self.own(heads), *self.prefixed(heads))

    def normal(self, weights: Mapping[str, Array]) -> Array:
        """What comes into `attn_q`, `attn_k` and `attn_v`."""
        return rms(self.hidden, weights["attn_norm"], self.shape.epsilon)

    def projected(self, normal: Array, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> Heads:
        q, k, v = (linear(normal, weights, f"attn_{name}", patches) for name in "qkv")
        width = self.shape.head
        return Heads(self.turned(q) / np.float32(np.sqrt(width)), self.turned(k), v.reshape(len(v), -1, width))

    def prefixed(self, heads: Heads) -> tuple[Array, Array]:
        """Keys and values of the prefix, shape (heads that are shared, tokens, width)."""
        return heads.k[: self.prefix].swapaxes(0, 1), heads.v[: self.prefix].swapaxes(0, 1)

    def own(self, heads: Heads) -> Own:
        """What each row of a sequence finds among the rows of its own, the prefix apart."""
        mass = np.empty(heads.q.shape[:2], np.float32)
        mean = np.empty_like(heads.q)
        if self.prefix:
            mass[: self.prefix], mean[: self.prefix] = self._attend(heads, np.arange(self.prefix)[None])
        for part in np.array_split(np.arange(len(self.lengths)), max(1, len(self.lengths) // 16)):
            if part.size:
                rows, filled = self._rows[part], self._filled[part]
                found = self._attend(heads, rows)
                mass[rows[filled]], mean[rows[filled]] = found[0][filled], found[1][filled]
        return Own(mass, mean)

    def mixed(self, heads: Heads, own: Own, keys: Array, values: Array) -> Array:
        """What comes into `attn_output` where the sequences find these cells before them."""
        out = own.mean.copy()
        if self.prefix:
            rows, group = slice(self.prefix, None), self.shape.heads // self.shape.kv_heads
            for number in range(self.shape.heads):
                cells = number // group
                scores = heads.q[rows, number] @ keys[cells].T
                mass = own.mass[rows, number, None]
                most = np.maximum(scores.max(axis=1, keepdims=True), mass)
                past, here = np.exp(scores - most), np.exp(mass - most)
                out[rows, number] *= here
                out[rows, number] += past @ values[cells]
                out[rows, number] /= here + past.sum(axis=1, keepdims=True)
        return out.reshape(len(out), -1)

    def _attend(self, heads: Heads, rows: Ints) -> tuple[Array, Array]:
        """Of `rows`, shape (sequences, time): log of the mass, and mean value, as (sequences, time, heads, ...)."""
        count, time = rows.shape
        shape = self.shape
        group = shape.heads // shape.kv_heads
        qs = heads.q[rows].reshape(count, time, shape.kv_heads, group, shape.head)
        qs = np.ascontiguousarray(qs.transpose(0, 2, 3, 1, 4)).reshape(count, shape.kv_heads, group * time, shape.head)
        ks, vs = heads.k[rows].transpose(0, 2, 1, 3), heads.v[rows].transpose(0, 2, 1, 3)
        scores = qs @ ks.swapaxes(-1, -2)
        future = np.triu(np.full((time, time), -np.inf, np.float32), 1)
        scores.reshape(count, shape.kv_heads, group, time, time)[...] += future
        most = scores.max(axis=-1, keepdims=True)
        scores = np.exp(np.subtract(scores, most, out=scores), out=scores)
        total = scores.sum(axis=-1, keepdims=True)
        mean = (scores @ vs / total).reshape(count, shape.kv_heads, group, time, shape.head)
        mass = (most + np.log(total)).reshape(count, shape.kv_heads, group, time)
        return (
            mass.transpose(0, 3, 1, 2).reshape(count, time, shape.heads),
            mean.transpose(0, 3, 1, 2, 4).reshape(count, time, shape.heads, shape.head),
        )

    def turned(self, flat: Array) -> Array:
        """Heads of all rows, each turned to the row's position."""
        return turned(flat.reshape(len(flat), -1, self.shape.head), self._cos, self._sin)

    def fed(self, weights: Mapping[str, Array]) -> Array:
        """What comes into `ffn_gate` and `ffn_up`."""
        return rms(self.hidden, weights["ffn_norm"], self.shape.epsilon)

    def activated(self, weights: Mapping[str, Array], patches: Patches = MappingProxyType({})) -> Array:
        """What comes into `ffn_down`."""
        normal = self.fed(weights)
        gate = linear(normal, weights, "ffn_gate", patches)
        gate /= 1 + np.exp(-np.maximum(gate, -80))
        gate *= linear(normal, weights, "ffn_up", patches)
        return gate


def linear(values: Array, weights: Mapping[str, Array], name: str, patches: Patches) -> Array:
    """Through a matrix, and what was added to it."""
    out = values @ weights[name].T
    if name in patches:
        out += patches[name](values)
    return np.asarray(out)


def rms(values: Array, scale: Array, epsilon: float) -> Array:
    """Each row over its root mean square, times a scale a column."""
    mean = np.mean(np.square(values), axis=-1, keepdims=True)
    return np.asarray(values * (1 / np.sqrt(mean + np.float32(epsilon))) * scale, dtype=np.float32)

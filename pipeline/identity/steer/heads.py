"""What attention is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.weights import Array


@dataclass(frozen=True)
class Heads:
    """Queries (rows, heads, width), keys and values (rows, shared heads, width), turned to their positions; queries
    are scaled as well."""

    q: Array
    k: Array
    v: Array


@dataclass(frozen=True)
class Own:
    """Logarithm of the sum of exponential scores (rows, heads), and mean value (rows, heads, width)."""

    mass: Array
    mean: Array


def turned(heads: Array, cos: Array, sin: Array) -> Array:
    """Rotary positions, on neighbouring pairs, as llama.cpp keeps them."""
    pairs = heads.reshape(*heads.shape[:-1], -1, 2)
    even, odd = pairs[..., 0], pairs[..., 1]
    out = np.empty_like(pairs)
    out[..., 0] = even * cos - odd * sin
    out[..., 1] = even * sin + odd * cos
    return out.reshape(heads.shape)

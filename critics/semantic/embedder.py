"""What turns texts into vectors, as this critic needs it: one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from critics.errors import Unreadable

Vectors = NDArray[np.float32]
"""A row for each text, of length 1, so that the product of two rows is the cosine of their angle."""


class Embedder(Protocol):
    """Texts into vectors, one row each, alike where the texts mean alike. Serves any number of threads.

    Raises `ModelError` where it fails, and where a text is too long to be read whole.
    """

    def __call__(self, texts: Sequence[str]) -> Vectors: ...


def embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """The vectors of texts, checked and of length 1. Raises `Unreadable` for anything else than one finite row each."""
    vectors = np.asarray(embedder(texts), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise Unreadable(f"{len(texts)} texts were embedded as an array of shape {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise Unreadable("a text was embedded as no vector at all: zeros, or no numbers")
    unit: Vectors = vectors / lengths
    return unit

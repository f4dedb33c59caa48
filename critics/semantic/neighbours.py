"""How much a text resembles the examples that break a rule, and how much those that keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from critics.semantic.embedder import Vectors

SHARPNESS = 10.0
"""How fast a difference in similarity becomes certainty, by the Brier score on labelled sets: at twice this it is too
sure of itself."""


class Likeness(NamedTuple):
    """Of each text: the probability of a breach, the similarity of the nearest example, the nearest breaking one."""

    probability: NDArray[np.float64]
    nearest: NDArray[np.float64]
    breaking: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A rule's examples as vectors: those that break it, with their words, and those that keep it."""

    words: tuple[str, ...]
    breaking: Vectors
    keeping: Vectors

    def __call__(self, texts: Vectors, *, count: int) -> Likeness:
        """Compare the mean similarity of the `count` nearest examples of each kind; 0 difference is 0.5.

        Of both kinds equally many are taken, since the mean of more lies lower.
        """
        broken, kept = texts @ self.breaking.T, texts @ self.keeping.T
        count = min(count, broken.shape[1], kept.shape[1])
        difference = _nearest(broken, count) - _nearest(kept, count)
        return Likeness(
            probability=1 / (1 + np.exp(-SHARPNESS * difference)),
            nearest=np.maximum(broken.max(axis=1), kept.max(axis=1)).astype(np.float64),
            breaking=broken.argmax(axis=1),
        )


def _nearest(similarities: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """The mean of the `count` highest in each row."""
    means: NDArray[np.float64] = np.sort(similarities, axis=1)[:, -count:].mean(axis=1, dtype=np.float64)
    return means

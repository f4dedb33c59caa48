"""Linear heads on what a model holds of a text.

That a linear reading of hidden states tells much of what a model has made of a text is an old finding (Alain and
Bengio, arXiv 1610.01644); the mean over the text's tokens is read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from critics.exchange import Exchange
from critics.finding import Usage

Vector = npt.NDArray[np.float32]


class States(Protocol):
    """The model that is looked into."""

    def __call__(self, exchange: Exchange, layers: Sequence[int]) -> tuple[Vector, Usage]:
        """What it holds of the text that is judged, at these layers, one after the other; and what reading it took.

        Raises `critics.ModelError`.
        """


@dataclass(frozen=True)
class Head:
    """What tells one rule's breaches: weights over the states as they are, and an intercept."""

    weights: Vector
    intercept: float

    def __call__(self, states: Vector) -> float:
        """The probability of a breach. Raises `ValueError` for states of another width."""
        if states.shape != self.weights.shape:
            raise ValueError(f"the probe is for {len(self.weights)} states and was given {len(states)}")
        odds = float(self.weights.astype(np.float64) @ states.astype(np.float64)) + self.intercept
        return float(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


@dataclass(frozen=True)
class Probe:
    """Heads by name, the layers that they read, and the fingerprint of the weights that they were trained on."""

    heads: Mapping[str, Head]
    layers: tuple[int, ...]
    fingerprint: str

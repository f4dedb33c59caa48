"""Whether an adapter does what it is for, and little else: measured on prompts that it was not built from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.weights import Array

MOST_PERPLEXITY = 1.05
"""An adapter may make a neutral text so many times as surprising, and no more."""

_ROWS = 256
"""Rows of scores over the vocabulary that are held at a time."""

Scores = Callable[[Array], Array]
"""From hidden states of the last layer to scores of the vocabulary."""


@dataclass(frozen=True)
class Gate:
    """`plain` and `steered` are the divergence, in nats a token, from the model that is told the manifesto; `before`
    and `after` the mean surprise at a token of a neutral text."""

    plain: float
    steered: float
    before: float
    after: float

    @property
    def recovered(self) -> float:
        """The share of the manifesto's effect that is there without it."""
        return 1 - self.steered / self.plain

    @property
    def perplexity(self) -> float:
        """That of the neutral text, over what it was."""
        return float(np.exp(self.after - self.before))

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it should not be used; nothing where it may be."""
        found = []
        if not self.steered < self.plain:
            found.append(
                f"on prompts that it was not built from, it takes the model away from the manifesto "
                f"({self.plain:.3f} nats a token without it, {self.steered:.3f} with it)"
            )
        if not self.perplexity <= MOST_PERPLEXITY:
            found.append(
                f"a neutral text is {self.perplexity:.2f} times as surprising with it, and {MOST_PERPLEXITY} is allowed"
            )
        return tuple(found)


def divergence(scores: Scores, told: Array, other: Array) -> float:
    """KL from `told` to `other`, the mean over rows."""
    total = 0.0
    for begin in range(0, len(told), _ROWS):
        p, q = (log_softmax(scores(hidden[begin : begin + _ROWS])) for hidden in (told, other))
        total += float((np.exp(p) * (p - q)).sum())
    return total / len(told)


def surprise(scores: Scores, hidden: Array, ids: Sequence[int]) -> float:
    """Mean negative log-probability of each token after those before it."""
    found = []
    for begin in range(0, len(ids) - 1, _ROWS):
        wanted = np.asarray(ids[begin + 1 : begin + 1 + _ROWS])
        logs = log_softmax(scores(hidden[begin : begin + len(wanted)]))
        found.append(-logs[np.arange(len(wanted)), wanted])
    return float(np.concatenate(found).mean())


def log_softmax(scores: Array) -> Array:
    scores = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True)))

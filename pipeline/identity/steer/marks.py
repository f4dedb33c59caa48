"""Marks on some of the tokens that a chat template puts before every question.

They are always the same, so that a matrix may be changed for them alone, if only it can tell them from all others. A
linear map tells them apart to some percent, which is too much to be added to every token; so in one layer some hidden
units of the feed-forward network that do least are made into switches, each of which is on for one of these tokens and
off for any other, and adds a direction to it that others have next to nothing of. From there on, a linear map can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.identity.steer.solve import Patch
from pipeline.identity.steer.weights import Array

Rows = npt.NDArray[np.float64]

_KEPT = 100.0
"""How much each other token of the template counts among those without a mark: all attend to the first, and the others
come again before every answer."""
_OWN = 0.03
"""How much a token that is told counts for its address, in units of all others together."""
_PENALTY = 0.03

_SURE = 0.3
"""The same for a switch, of which the template's own words in other places are among the others."""
_CAUTION = 1.0
_MARGIN = 0.5
"""A row that comes out nearer than this to the other side counts for more."""
_HEAVY = 30.0
_ROUNDS = 16
_SHARP = 30.0
"""What a switch's gate gives where it is on; less that where it is off."""


@dataclass(frozen=True)
class Inputs:
    """What comes into a matrix at the `tokens` in question, at the rest of the template, which is to be `kept` as it
    is, and at `others`; each of shape (rows, inputs)."""

    tokens: Array
    kept: Array
    others: Array


def quiet(gram: Array, count: int) -> Array:
    """So many directions (count, outputs), orthonormal, in which rows with this gram matrix have least."""
    return np.asarray(np.linalg.eigh(gram)[1][:, :count].T, dtype=np.float32)


def addresses(inputs: Inputs) -> Array:
    """A row for each of the tokens (count, inputs): its product with that token's inputs is one, with those of the
    other tokens nought, and with all the rest near it."""
    rows = _Regression(inputs, np.eye(len(inputs.tokens), dtype=np.float32), 0.0, own=_OWN, penalty=_PENALTY).solved()
    return np.asarray(np.linalg.solve(rows @ inputs.tokens.T, rows), dtype=np.float32)


def switches(layer: Mapping[str, Array], inputs: Inputs, busy: Array, marks: Array) -> dict[str, Patch]:
    """Changes of a layer's feed-forward matrices that add a row of `marks` (count, outputs) to each of the tokens, and
    nothing to others. `busy` is how large each hidden unit is (units)."""
    tokens = inputs.tokens
    units = np.argsort(busy * np.linalg.norm(layer["ffn_down"], axis=0))[: len(tokens)]
    on = np.eye(len(tokens), dtype=np.float32)
    gate = _SHARP * _Regression(inputs, 2 * on - 1, -1.0, own=_SURE, penalty=_CAUTION).separated()
    up = _Regression(inputs, on, 0.0, own=_SURE, penalty=_CAUTION).solved()
    gates = (tokens * gate).sum(axis=1)
    given = gates / (1 + np.exp(-gates)) * (tokens * up).sum(axis=1)
    places = np.zeros((layer["ffn_gate"].shape[0], len(tokens)), np.float32)
    places[units, np.arange(len(tokens))] = 1
    return {
        "ffn_gate": Patch(gate - layer["ffn_gate"][units], places),
        "ffn_up": Patch(up - layer["ffn_up"][units], places),
        "ffn_down": Patch(np.ascontiguousarray(places.T), marks.T / given - layer["ffn_down"][:, units]),
    }


class _Regression:
    """Ridge regression for a matrix (outputs, inputs) that gives `wanted` (count, outputs) of the tokens, and
    `otherwise` of all the rest."""

    def __init__(self, inputs: Inputs, wanted: Array, otherwise: float, *, own: float, penalty: float) -> None:
        counts = [len(inputs.tokens), len(inputs.kept), len(inputs.others)]
        self._rows = np.concatenate([inputs.tokens, inputs.kept, inputs.others]).astype(np.float64)
        self._weights = np.repeat([own * counts[2], _KEPT, 1.0], counts)
        self._targets = np.concatenate([wanted, np.full((sum(counts[1:]), wanted.shape[1]), otherwise)])
        rest = self._rows[counts[0] :]
        size = float((self._weights[counts[0] :, None] * rest**2).sum()) / rest.shape[1]
        self._penalty = penalty * size * np.eye(rest.shape[1])

    def solved(self) -> Array:
        return np.asarray(np.linalg.solve(*self._equations(self._rows, self._weights, self._targets)).T, np.float32)

    def separated(self) -> Array:
        """With each row well on its own side: those that are not count for more each time, as in boosting."""
        gram, cross = self._equations(self._rows, self._weights, self._targets)
        found = np.linalg.solve(gram, cross)
        for output, target in enumerate(self._targets.T):
            mine, wanted = gram, cross[:, output]
            for _ in range(_ROUNDS):
                short = _MARGIN - target * (self._rows @ found[:, output])
                hard = short > 0
                if not hard.any():
                    break
                weights = _HEAVY * self._weights[hard] * short[hard]
                more = self._equations(self._rows[hard], weights, target[hard, None])
                mine, wanted = mine + more[0] - self._penalty, wanted + more[1][:, 0]
                found[:, output] = np.linalg.solve(mine, wanted)
        return np.asarray(found.T, np.float32)

    def _equations(self, rows: Rows, weights: Rows, targets: Rows) -> tuple[Rows, Rows]:
        weighted = rows.T * weights
        return weighted @ rows + self._penalty, weighted @ targets

"""What a model holds of a long text, condensed to a few cells of its cache: all that later tokens would find there.

A token attends to a cell by its key and takes the cell's value. Cells whose keys are asked for alike become one: its
key has, for each query, the mass that they had together, and the values are those with which what is taken comes out as
it did. Both are regressions, after "Fast KV Compaction via Attention Matching" (Zweiger et al., arXiv 2602.16284), with
groups where that keeps a choice of the cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.identity.steer.weights import Array

_ROUNDS = 15
_PENALTY = 1.0


@dataclass(frozen=True)
class Cells:
    """Keys and values, each of shape (cells, width)."""

    keys: Array
    values: Array


@dataclass(frozen=True)
class Asked:
    """Of one head: queries (rows, width), and what each finds without the cells in question, as the logarithm of its
    mass (rows) and its mean value (rows, width); `wanted` is what it should find in all."""

    queries: Array
    mass: Array
    mean: Array
    wanted: Array

    def beside(self, cells: Cells) -> Asked:
        """Where these cells are found as well."""
        scores = self.queries @ cells.keys.T
        mass = np.logaddexp(self.mass, np.logaddexp.reduce(scores, axis=1))
        share, here = np.exp(scores - mass[:, None]), np.exp(self.mass - mass)[:, None]
        return replace(self, mass=mass, mean=share @ cells.values + here * self.mean)


def condensed(cells: Cells, count: int, asked: Asked) -> Cells:
    """`count` cells in the place of these, those with the least mass first."""
    scores = asked.queries @ cells.keys.T
    everything = np.logaddexp(asked.mass, np.logaddexp.reduce(scores, axis=1))
    weight = np.exp(scores - everything[:, None]).mean(axis=0) + np.float32(1e-6)
    group = grouped(cells.keys, weight, asked.queries, count)
    there = np.unique(group)
    there = there[np.argsort([weight[group == number].sum() for number in there])]
    keys, values = [], []
    for number in there:
        members = group == number
        share = (weight[members] / weight[members].sum())[:, None]
        together = np.logaddexp.reduce(scores[:, members], axis=1)
        centre = (cells.keys[members] * share).sum(axis=0)
        keys.append(_key(asked.queries, together, np.exp(together - everything), centre))
        values.append((cells.values[members] * share).sum(axis=0))
    return _valued(Cells(np.stack(keys), np.stack(values)), asked)


def grouped(keys: Array, weight: Array, queries: Array, count: int) -> npt.NDArray[np.intp]:
    """Each key's group: weighted k-means, where keys are as far apart as these queries' scores for them are."""
    values, vectors = np.linalg.eigh(queries.T @ queries / np.float32(len(queries)))
    places = keys @ (vectors * np.sqrt(np.maximum(values, 0)))
    centres = places[[int(weight.argmax())]]
    while len(centres) < min(count, len(places)):
        centres = np.concatenate([centres, places[[int((_apart(places, centres).min(axis=1) * weight).argmax())]]])
    group = _apart(places, centres).argmin(axis=1)
    for _ in range(_ROUNDS):
        centres = np.stack(
            [np.average(places[group == n], axis=0, weights=weight[group == n]) for n in range(len(centres))]
        )
        nearest = _apart(places, centres).argmin(axis=1)
        if len(np.unique(nearest)) < len(centres):
            break
        group = nearest
    return np.asarray(group)


def _apart(places: Array, centres: Array) -> Array:
    return np.asarray(np.square(places[:, None] - centres).sum(axis=-1))


def _key(queries: Array, scores: Array, weight: Array, near: Array) -> Array:
    """The key that these queries score so, by least squares, and otherwise is `near` that."""
    weighted = queries * weight[:, None]
    gram = weighted.T @ queries
    gram[np.diag_indices_from(gram)] += np.float32(_PENALTY * np.trace(gram) / len(gram) + 1e-9)
    return np.asarray(near + np.linalg.solve(gram, weighted.T @ (scores - queries @ near)))


def _valued(cells: Cells, asked: Asked) -> Cells:
    """With the values that give what is wanted, by least squares."""
    scores = asked.queries @ cells.keys.T
    most = np.maximum(scores.max(axis=1), asked.mass)[:, None]
    past, here = np.exp(scores - most), np.exp(asked.mass[:, None] - most)
    total = past.sum(axis=1, keepdims=True) + here
    share = past / total
    missing = asked.wanted - share @ cells.values - here / total * asked.mean
    gram = share.T @ share
    gram[np.diag_indices_from(gram)] += np.float32(_PENALTY) * np.diag(gram) + np.float32(1e-7 * len(share))
    return Cells(cells.keys, cells.values + np.linalg.solve(gram, share.T @ missing))

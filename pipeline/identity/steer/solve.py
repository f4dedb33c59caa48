"""The one equation: which small change of a matrix turns what comes in into what is missing.

Of inputs `x` (rows, inputs) and what is missing of the outputs `d` (rows, outputs), ridge regression gives the change
with the least squared error. It is truncated to the rank that loses least of what it gives on these inputs, which is
reduced-rank regression (Izenman 1975): the leading eigenvectors of the fitted outputs' own covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.weights import Array


@dataclass(frozen=True)
class Patch:
    """A change of a matrix, `b @ a`: `a` has the shape (rank, inputs), `b` (outputs, rank)."""

    a: Array
    b: Array

    def __call__(self, x: Array) -> Array:
        """What it adds to the outputs for these inputs, shape (rows, outputs)."""
        return np.asarray((x @ self.a.T) @ self.b.T)

    def scaled(self, by: float) -> Patch:
        return Patch(self.a, self.b * np.float32(by))

    def beside(self, other: Patch) -> Patch:
        """Both at once; the ranks add up."""
        return Patch(np.concatenate([self.a, other.a]), np.concatenate([self.b, other.b], axis=1))

    def truncated(self, rank: int) -> Patch:
        """The nearest of lower rank, where its own is higher."""
        if len(self.a) <= rank:
            return self
        left, triangle = np.linalg.qr(self.b)
        u, s, vt = np.linalg.svd(triangle @ self.a, full_matrices=False)
        return Patch(
            np.ascontiguousarray(vt[:rank], dtype=np.float32),
            np.ascontiguousarray((left @ u * s)[:, :rank], np.float32),
        )


def ridge(
    x: Array,
    d: Array,
    weights: Array,
    *,
    penalty: float,
    rank: int,
    spread: Array | None = None,
    unmeasured: int = 0,
) -> Patch:
    """`weights` are how much each row counts, `penalty` is in units of the inputs' mean square, to which the first
    `unmeasured` rows do not count: a first token's inputs may be of another size altogether.

    The rank is cut where outputs are measured in units of their `spread`: else a few great ones would have all of it.
    """
    weighted = x * weights[:, None]
    gram = weighted.T @ x
    cross = d.T @ weighted
    measure = float((weighted[unmeasured:] * x[unmeasured:]).sum()) / len(gram)
    gram[np.diag_indices_from(gram)] += np.float32(penalty * measure + 1e-12)
    change = np.linalg.solve(gram, cross.T).T
    unit = np.ones(d.shape[1], np.float32) if spread is None else spread
    leading = np.linalg.eigh((change @ cross.T) / unit / unit[:, None])[1][:, ::-1][:, :rank]
    a, b = leading.T @ (change / unit[:, None]), unit[:, None] * leading
    return Patch(np.ascontiguousarray(a, dtype=np.float32), np.ascontiguousarray(b, dtype=np.float32))

"""How well probabilities part two classes, and how sure that is. In numpy, so that nothing more need be installed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.figures import auroc

Floats = npt.NDArray[np.float64]


def difference(
    one: Floats, other: Floats, labels: npt.NDArray[np.int64], *, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """AUROC of one less that of the other on the same rows, and the 95 % interval of it over bootstrap samples."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        rows = random.integers(0, len(labels), len(labels))
        drawn.append(auroc(one[rows], labels[rows]) - auroc(other[rows], labels[rows]))
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return auroc(one, labels) - auroc(other, labels), float(low), float(high)


def array(values: Sequence[float]) -> Floats:
    return np.asarray(values, dtype=np.float64)

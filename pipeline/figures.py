"""How well probabilities tell what is broken from what is kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def auroc(probabilities: npt.ArrayLike, broken: npt.ArrayLike) -> float:
    """The chance that a broken one has a higher probability than a kept one; NaN without one of each."""
    found, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(broken, dtype=bool)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    _, inverse, counts = np.unique(found, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def log_loss(probabilities: npt.ArrayLike, broken: npt.ArrayLike) -> float:
    """Mean negative log-likelihood, in nats."""
    found = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-7, 1 - 1e-7)
    truth = np.asarray(broken, dtype=bool)
    return float(-np.mean(np.where(truth, np.log(found), np.log(1 - found))))

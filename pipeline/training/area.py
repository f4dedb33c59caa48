"""How well held-out rows are told apart, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.bootstrap import Interval, auroc_interval
from pipeline.evaluation.cases import Cases
from pipeline.evaluation.metrics import drawn_interval
from pipeline.evaluation.prompts import digest, grouped
from pipeline.figures import auroc


@dataclass(frozen=True)
class Area:
    """AUROC, NaN for one class, and its 95 % interval where there are rows enough of each."""

    auroc: float
    interval: Interval | None


def area(said: npt.ArrayLike, broken: npt.ArrayLike, prompts: Sequence[str]) -> Area:
    """Of probabilities and the truth, each of the row whose prompt has its place."""
    truth, scores = np.asarray(broken, dtype=np.bool_), np.asarray(said, dtype=np.float64)
    nothing = np.zeros(len(truth), dtype=np.bool_)
    cases = Cases(truth, scores, nothing, nothing, grouped([digest(prompt) for prompt in prompts]))
    return Area(auroc(scores, truth), drawn_interval(auroc_interval, cases) if cases.enough else None)

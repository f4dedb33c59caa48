"""Figures, against scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from pipeline.figures import auroc, log_loss


@pytest.mark.parametrize("steps", [2, 10, 1000])
def test_they_are_those_of_scikit_learn(steps: int) -> None:
    """With many ties and with few."""
    draw = np.random.default_rng(steps)
    said, broken = draw.integers(1, steps, 300, endpoint=True) / (steps + 1), draw.random(300) < 0.3
    assert auroc(said, broken) == pytest.approx(metrics.roc_auc_score(broken, said))
    assert log_loss(said, broken) == pytest.approx(metrics.log_loss(broken, said))


def test_one_class_cannot_be_told_apart() -> None:
    assert math.isnan(auroc([0.1, 0.9], [True, True]))


def test_certainty_costs_no_more_than_a_number_can_say() -> None:
    assert math.isfinite(log_loss([0.0, 1.0], [True, False]))

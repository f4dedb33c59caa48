"""Calibration applied: what a critic says becomes what it is worth before anything is weighed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from critics.finding import Finding
from critics.manifesto.calibration import Calibration
from critics.manifesto.schema import Rule

NEAREST = 1e-6
"""How near to 0 and 1 a probability may come on the logit, where certainty would be infinite."""

_HALVINGS = 200

_CERTAIN = 30.0
"""Log odds beyond which rounding would make a certainty of a probability."""


def logit(probability: float) -> float:
    """The log odds of a probability, 0 and 1 taken as `NEAREST` to them."""
    p = min(max(probability, NEAREST), 1 - NEAREST)
    return math.log(p) - math.log1p(-p)


def corrected(calibration: Calibration, probability: float) -> float:
    """The calibrated probability, in [0, 1]: never lower for a higher one."""
    if calibration.isotonic is not None:
        return _between(calibration.isotonic, probability)
    if calibration.platt is not None:
        return _sigmoid(calibration.platt.slope * logit(probability) + calibration.platt.intercept)
    return _sigmoid(logit(probability) / (calibration.temperature or 1.0))


def calibrated(rule: Rule, finding: Finding) -> Finding:
    """The finding with its probability calibrated as the rule says for its critic, and the critic's own as `raw`.

    One that has a `raw` already, that is undecided, or whose critic has no calibration stays as it is.
    """
    calibration = rule.calibration.get(finding.critic)
    if calibration is None or finding.probability is None or finding.raw is not None:
        return finding
    return replace(finding, probability=corrected(calibration, finding.probability), raw=finding.probability)


def in_own_terms(rule: Rule, critic: str) -> Rule:
    """The rule as its critic must see it, where what it says is calibrated: with the threshold on its own scale.

    A critic may look at the threshold, for instance to give reasons only where the rule is broken.
    """
    calibration = rule.calibration.get(critic)
    if calibration is None:
        return rule
    return rule.model_copy(update={"threshold": uncorrected(calibration, rule.threshold)})


@lru_cache(maxsize=1024)
def uncorrected(calibration: Calibration, threshold: float) -> float:
    """The lowest probability that comes to `threshold` when calibrated; infinite where none does."""
    if corrected(calibration, 1.0) < threshold:
        return math.inf
    # Halved rather than solved, so that rounding cannot put the two scales at odds over a case on the line.
    low, high = -1.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if corrected(calibration, middle) >= threshold else (middle, high)
    return max(high, 0.0)


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    if x <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if x < right:
            return low + (high - low) * (x - left) / (right - left)
    return points[-1][1]


def _sigmoid(x: float) -> float:
    x = min(max(x, -_CERTAIN), _CERTAIN)
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

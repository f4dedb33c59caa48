"""Fitting a calibration to what a critic said and what was true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np

from critics import Calibration, Platt, corrected, logit
from pipeline.evaluation.cases import Flags, Numbers
from pipeline.evaluation.vendors import vendor

Method = Literal["temperature", "platt", "isotonic"]
METHODS: tuple[Method, ...] = get_args(Method)


def fit(method: Method, said: Numbers, truth: Flags) -> Calibration:
    """The calibration of this kind with the lowest log loss. Both classes must be there."""
    return _FITS[method](said, truth)


def applied(calibration: Calibration | None, said: Numbers) -> Numbers:
    """Each probability calibrated; NaN stays."""
    if calibration is None:
        return said
    return np.array([p if np.isnan(p) else corrected(calibration, float(p)) for p in said])


def rounded(value: float) -> float:
    """Six digits: more say nothing, and a person should be able to read the file."""
    return float(f"{value:.6g}")


def _temperature(said: Numbers, truth: Flags) -> Calibration:
    odds, target = _odds(said), _targets(truth)
    best = vendor("scipy.optimize").minimize_scalar(
        lambda log: _loss(odds / np.exp(log), target), bounds=(-3.0, 5.0), method="bounded"
    )
    return Calibration(temperature=rounded(float(np.exp(best.x))))


def _platt(said: Numbers, truth: Flags) -> Calibration:
    odds, target = _odds(said), _targets(truth)
    # The slope is sought by its logarithm, so that it cannot turn the order round.
    best = vendor("scipy.optimize").minimize(
        lambda x: _loss(np.exp(x[0]) * odds + x[1], target),
        x0=(0.0, 0.0),
        bounds=((-9.0, 5.0), (-30.0, 30.0)),
        method="L-BFGS-B",
    )
    return Calibration(platt=Platt(slope=rounded(float(np.exp(best.x[0]))), intercept=rounded(float(best.x[1]))))


def _isotonic(said: Numbers, truth: Flags) -> Calibration:
    edge = 1 / (len(truth) + 2)
    model: Any = vendor("sklearn.isotonic").IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip")
    model.fit(said, truth.astype(float))
    # Of points that rounding puts on one place, the last and highest stays.
    points = {rounded(x): rounded(y) for x, y in zip(model.X_thresholds_, model.y_thresholds_, strict=True)}
    if len(points) == 1:
        points = {0.0: next(iter(points.values())), 1.0: next(iter(points.values()))}
    return Calibration(isotonic=tuple(points.items()))


def _odds(said: Numbers) -> Numbers:
    return np.array([logit(float(p)) for p in said])


def _targets(truth: Flags) -> Numbers:
    """Platt's: a little short of 0 and 1, by how few rows there are, so that a perfect split stays finite."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    return np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _loss(odds: Numbers, target: Numbers) -> float:
    return float((np.logaddexp(0, odds) - target * odds).mean())


_FITS: dict[Method, Callable[[Numbers, Flags], Calibration]] = {
    "temperature": _temperature,
    "platt": _platt,
    "isotonic": _isotonic,
}

"""A rule's calibrations and threshold, and what they are worth on rows that they were not fitted to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from critics import Calibration, Finding, Judgement, Rule, corrected, settles
from pipeline.errors import BadInput
from pipeline.evaluation.calibrating.aims import Aim
from pipeline.evaluation.calibrating.enough import FOLDS, prompts_of
from pipeline.evaluation.calibrating.fit import METHODS, Method, applied, fit
from pipeline.evaluation.calibrating.samples import Sample
from pipeline.evaluation.cases import Flags, Numbers, cases
from pipeline.evaluation.metrics import Figures, calibration_error, figures, reliability
from pipeline.evaluation.prompts import Groups, together
from pipeline.evaluation.vendors import vendor
from pipeline.figures import log_loss

SEED = 0
ISOTONIC_ROWS = 500
"""Fewer rows, or prompts that they answer, and isotonic is not tried by itself: it would follow their chance."""

Fits = Mapping[str, Calibration]
Methods = Mapping[str, Method | None]


@dataclass(frozen=True)
class Worth:
    """How good probabilities are: expected calibration error (10 bins of equal mass), and log loss in nats."""

    calibration_error: float
    log_loss: float


@dataclass(frozen=True)
class Fitted:
    """One critic of a rule. No `method` means that its own word was best. `after` is cross-validated."""

    critic: str
    rows: int
    method: Method | None
    calibration: Calibration | None
    before: Worth
    after: Worth


@dataclass(frozen=True)
class Calibrated:
    """A rule with its new threshold. `after` is at thresholds that were chosen without the rows they are told of.
    `breaks_all`: by the new threshold no row keeps the rule."""

    rule: Rule
    threshold: float
    critics: tuple[Fitted, ...]
    before: Figures
    after: Figures
    breaks_all: bool


def calibrate(sample: Sample, *, method: Method | None = None, aim: Aim | None = None) -> Calibrated:
    """Fit every unsure critic of the rule by `method`, else by the one with the lowest cross-validated log loss, and
    choose the threshold for `aim`. Raises `BadInput` where no threshold serves it."""
    aim, rule = aim or Aim(), sample.rule
    if short := aim.refused_by(prompts_of(sample.groups, ~sample.labels)):
        raise BadInput(short)
    folds = list(_folds(sample.labels, sample.groups))
    methods = {name: method or _best(sample, name, folds) for name in sample.unsure}
    fits = _fits(sample, methods, np.ones(len(sample.labels), dtype=np.bool_))
    shipped = {name: rule.calibration[name] for name in rule.critics if name in rule.calibration}
    threshold = _threshold(sample, fits, aim, np.ones(len(sample.labels), dtype=np.bool_))
    if aim.max_fpr is not None:
        _refuse_unreachable(rule, fits, threshold, aim.max_fpr)
    return Calibrated(
        rule=rule,
        threshold=threshold,
        critics=tuple(_fitted(sample, name, methods[name], fits, shipped, folds) for name in sample.unsure),
        before=_figures(sample, _judgements(sample, shipped, rule.threshold)),
        after=_figures(sample, _held_out(sample, methods, aim, folds)),
        breaks_all=all(j.outcome == "broken" for j in _judgements(sample, fits, threshold)),
    )


def _best(sample: Sample, name: str, folds: list[Flags]) -> Method | None:
    """The method with the lowest log loss on rows that it was not fitted to; none where the raw word is as good."""
    decided = ~np.isnan(sample.said[name])
    apart = prompts_of(sample.groups, decided)
    tried = [m for m in METHODS if m != "isotonic" or apart >= ISOTONIC_ROWS]
    truth = sample.labels[decided]
    best, lowest = None, log_loss(sample.said[name][decided], truth)
    for method in tried:
        loss = log_loss(_out_of_fold(sample, name, method, folds)[decided], truth)
        if loss < lowest:
            best, lowest = method, loss
    return best


def _out_of_fold(sample: Sample, name: str, method: Method | None, folds: list[Flags]) -> Numbers:
    """Each row's probability, calibrated by a fit on the other folds."""
    said = sample.said[name].copy()
    for test in folds:
        fits = _fits(sample, {name: method}, ~test)
        said[test] = applied(fits.get(name), sample.said[name][test])
    return said


def _fits(sample: Sample, methods: Methods, learn: Flags) -> dict[str, Calibration]:
    fits = {}
    for name, method in methods.items():
        chosen = learn & ~np.isnan(sample.said[name])
        if method is not None:
            fits[name] = fit(method, sample.said[name][chosen], sample.labels[chosen])
    return fits


def _scores(sample: Sample, fits: Fits) -> Numbers:
    """What a threshold is compared with: the rule's probability if those who could not judge found no breach, combined,
    or as far as its cascade goes; NaN where none decided."""
    least = [judgement.least for judgement in _judgements(sample, fits)]
    return np.array([np.nan if p is None else p for p in least])


def _judgements(
    sample: Sample, fits: Fits, threshold: float | None = None, rows: Iterable[int] | None = None
) -> list[Judgement]:
    """The rule as a verdict has it, of all rows or of some, at a threshold; at any within its bounds where none is
    given, and then only `least` means something."""
    rule = sample.rule if threshold is None else sample.rule.model_copy(update={"threshold": threshold})
    lowest = threshold if threshold is not None else (rule.open_between or (0.0, 1.0))[0]
    each = {name: applied(fits.get(name), said) for name, said in sample.said.items()}
    rows = range(len(sample.labels)) if rows is None else rows
    return [_judgement(rule, sample, each, row, lowest) for row in rows]


def _judgement(rule: Rule, sample: Sample, said: Mapping[str, Numbers], row: int, lowest: float) -> Judgement:
    """Of one row; a word that is lower than `lowest` and of a part alone is none."""
    findings: list[Finding] = []
    for critic, probabilities in said.items():
        p = float(probabilities[row])
        doubtful, in_part = (_is(flags, critic, row) for flags in (sample.doubtful, sample.in_part))
        none = np.isnan(p) or (p < lowest and in_part)
        findings.append(Finding(rule.id, critic, None if none else p, doubtful=doubtful, in_part=in_part))
        if settles(rule, findings[-1]):
            break
    return Judgement(rule, tuple(findings))


def _is(flags: Mapping[str, Flags], critic: str, row: int) -> bool:
    return critic in flags and bool(flags[critic][row])


def _threshold(sample: Sample, fits: Fits, aim: Aim, learn: Flags) -> float:
    """For the aim, but within the bounds of a cascade, and never beyond what every critic can reach, unless that would
    break a bound: a rule that cannot be broken is none."""
    groups = None if sample.groups is None else sample.groups[learn]
    wanted = aim.threshold(_scores(sample, fits)[learn], sample.labels[learn], groups)
    if aim.max_fpr is not None:
        return wanted
    lower, upper = sample.rule.open_between or (0.0, 1.0)
    return min([max(wanted, lower), upper, *map(_reach, fits.values())])


def _reach(calibration: Calibration) -> float:
    return corrected(calibration, 1.0)


def _refuse_unreachable(rule: Rule, fits: Fits, threshold: float, max_fpr: float) -> None:
    lower, upper = rule.open_between or (0.0, 1.0)
    needed = f"to keep to {max_fpr:.3g} false positives, the threshold must be {threshold:.3g}, and"
    if not lower <= threshold <= upper:
        raise BadInput(f"{needed} `open_between` is {lower:g} to {upper:g}: widen it")
    for critic, calibration in fits.items():
        if (most := _reach(calibration)) < threshold:
            raise BadInput(
                f"{needed} calibrated `{critic}` gives at most {most:.3g}: it could never break the rule, so take it "
                "out of its critics"
            )


def _held_out(sample: Sample, methods: Methods, aim: Aim, folds: list[Flags]) -> list[Judgement]:
    """Each row judged by calibrations and a threshold from the other folds: found broken by none, where on those no
    threshold serves the aim."""
    held: dict[int, Judgement] = {}
    for test in folds:
        fits = _fits(sample, methods, ~test)
        try:
            line = _threshold(sample, fits, aim, ~test)
        except BadInput:
            line = math.inf
        rows = np.flatnonzero(test).tolist()
        held.update(zip(rows, _judgements(sample, fits, line, rows), strict=True))
    return [held[row] for row in range(len(sample.labels))]


def _figures(sample: Sample, judgements: Sequence[Judgement]) -> Figures:
    said, outcomes = [j.probability for j in judgements], [j.outcome for j in judgements]
    found = cases(sample.labels.tolist(), said, outcomes, sample.groups)
    return figures(found, prompts=sample.prompts, intervals=False)


def _fitted(sample: Sample, name: str, method: Method | None, fits: Fits, shipped: Fits, folds: list[Flags]) -> Fitted:
    decided = ~np.isnan(sample.said[name])
    truth = sample.labels[decided]
    before = applied(shipped.get(name), sample.said[name])[decided]
    after = _out_of_fold(sample, name, method, folds)[decided]
    return Fitted(name, int(decided.sum()), method, fits.get(name), _worth(before, truth), _worth(after, truth))


def _worth(said: Numbers, truth: Flags) -> Worth:
    given = cases(truth.tolist(), said.tolist(), ["pass"] * len(truth))
    return Worth(calibration_error(reliability(given)), log_loss(said, truth))


def _folds(labels: Flags, groups: Groups | None) -> Iterator[Flags]:
    """Replies to one prompt, and so copies of a row, are in one fold: else they would be known from the others."""
    split = vendor("sklearn.model_selection")
    shared = groups is not None and together(groups)
    splitter = (split.StratifiedGroupKFold if shared else split.StratifiedKFold)(FOLDS, shuffle=True, random_state=SEED)
    for _, test in splitter.split(labels, labels, groups if shared else None):
        chosen = np.zeros(len(labels), dtype=np.bool_)
        chosen[test] = True
        yield chosen

"""Training a probe's heads: look at every row once, then fit a logistic regression a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from critics import Head, Manifesto, Probe, Rule, write_probe
from pipeline.errors import BadInput
from pipeline.evaluation.vendors import vendor
from pipeline.files.replacing import replacing
from pipeline.llama import Engine, LlamaModel, LlamaStates, fingerprint
from pipeline.near_duplicates import near_duplicates
from pipeline.training.area import Area, area
from pipeline.training.rows import Row
from pipeline.training.split import split

FEWEST = 20
"""Rows of either label that a head is trained on, at least."""

_CALLERS = 4
_FOLDS = 5
_STRENGTHS = tuple(10.0**power for power in range(-5, 1))
"""Of scikit-learn's `C`: from hardly any weight to more than a few thousand rows can carry."""

Flags = npt.NDArray[np.bool_]
States = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TrainedHead:
    """What came of a rule: rows learnt from and held out, and how well these are told apart."""

    rule: str
    learnt: int
    held: int
    area: Area


@dataclass(frozen=True)
class TrainedProbe:
    """`prompts_apart` is as in `Split`."""

    heads: list[TrainedHead]
    prompts_apart: bool


def train_heads(
    rows: Sequence[Row],
    manifesto: Manifesto,
    weights: Path,
    out: Path,
    *,
    layers: Sequence[int],
    form: Path | None = None,
    held: float = 0.1,
    threads: int | None = None,
    seed: int = 0,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> TrainedProbe:
    """Train a head for each rule of the manifesto that the rows speak of, and write the probe to `out`. It is of these
    `weights`, which are read in another `form` where one is given.

    Held-out rows are near-duplicates of none that is learnt from, and choose nothing: how strongly weights are held
    down is found by cross-validation. Raises `BadInput` where no rule has rows enough, or a row is too long,
    `ExtraMissing` without scikit-learn, `OutputFault`.
    """
    vendor("sklearn.linear_model")
    labels = {rule: rows_of for rule in manifesto.rules if (rows_of := _labels(rows, rule))}
    parted = split(rows, held=held, seed=seed)
    ready = {rule: said for rule, said in labels.items() if _enough([said[i] for i in parted.learnt if i in said])}
    if not ready:
        raise BadInput(f"no rule of {manifesto.name} has {FEWEST} rows that break it and {FEWEST} that keep it")
    wanted = sorted({index for said in ready.values() for index in said})
    states = _states([rows[i] for i in wanted], form or weights, layers, threads, stepped)
    found = dict(zip(wanted, states, strict=True))
    heads, told = {}, []
    for rule, said in ready.items():
        mine, others = ([i for i in part if i in said] for part in (parted.learnt, parted.held))
        alike = near_duplicates([rows[i].prompt for i in mine], [rows[i].text for i in mine])
        states_of, truth = np.stack([found[i] for i in mine]), np.array([said[i] for i in mine])
        heads[rule.id] = head = _fitted(states_of, truth, alike, seed)
        prompts = [rows[i].prompt for i in others]
        able = area([head(found[i]) for i in others], [said[i] for i in others], prompts)
        told.append(TrainedHead(rule.id, len(mine), len(others), able))
    with replacing(out) as part:
        write_probe(part, Probe(heads, tuple(layers), fingerprint(weights)))
    return TrainedProbe(told, parted.prompts_apart)


def _labels(rows: Sequence[Row], rule: Rule) -> Mapping[int, bool]:
    return {index: row.labels[rule] for index, row in enumerate(rows) if rule in row.labels}


def _enough(labels: Sequence[bool]) -> bool:
    return FEWEST <= sum(labels) <= len(labels) - FEWEST


def _states(
    rows: Sequence[Row],
    weights: Path,
    layers: Sequence[int],
    threads: int | None,
    stepped: Callable[[int, int], None],
) -> list[States]:
    engine = Engine(LlamaModel(weights), context=8192, threads=threads)
    look = LlamaStates(engine)
    try:
        _refuse_longer(rows, look, engine.context)
        with ThreadPoolExecutor(_CALLERS) as pool:
            found = []
            for states, _ in pool.map(lambda row: look(row.exchange, layers), rows):
                found.append(states)
                stepped(len(found), len(rows))
            return found
    finally:
        engine.close()


def _refuse_longer(rows: Sequence[Row], look: LlamaStates, most: int) -> None:
    """At once, since to look at the others may take minutes, which would be lost."""
    for row in rows:
        if (tokens := look.length(row.exchange)) > most:
            raise BadInput(f"{row.place}: the exchange has {tokens} tokens, and {most} at most are read: shorten it")


def _fitted(states: States, broken: Flags, alike: Sequence[int], seed: int) -> Head:
    """`alike` has a number for each row, the same for rows that are known from one another."""
    mean, scale = states.mean(axis=0), states.std(axis=0) + 1e-6
    search: Any = vendor("sklearn.model_selection").GridSearchCV(
        vendor("sklearn.linear_model").LogisticRegression(max_iter=2000),
        {"C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=_folds(broken, np.asarray(alike), seed),
    )
    model = search.fit((states - mean) / scale, broken).best_estimator_
    weights = model.coef_[0] / scale
    return Head(weights.astype(np.float32), float(model.intercept_[0] - weights @ mean))


def _folds(broken: Flags, groups: npt.NDArray[np.int_], seed: int) -> Any:
    """Rows to learn from and rows to score, each time. Those of a group stay together, or weights would be held down
    too little; in fewer folds where some would have one label, which cannot be scored, and apart where any would."""
    choosing = vendor("sklearn.model_selection")
    for count in range(min(_FOLDS, len(np.unique(groups))), 1, -1):
        apart = choosing.StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        folds = list(apart.split(broken, broken, groups))
        if all(len(np.unique(broken[rows])) == 2 for fold in folds for rows in fold):
            return folds
    return choosing.StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)

"""Training a judge's adapter from rows to file: split, train, stop early, resume, write the adapter."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.errors import BadInput
from pipeline.figures import auroc, log_loss
from pipeline.files.lora_file import read_metadata
from pipeline.identity.made import Made
from pipeline.llama import ACTS_ON, MADE_FOR, LlamaModel, fingerprint, made_for_others
from pipeline.training.adapter_file import read_adapter, write_adapter
from pipeline.training.area import Area, area
from pipeline.training.examples import Example, tokenised, whole
from pipeline.training.lora import JudgePlan, Trainer
from pipeline.training.rows import Row
from pipeline.training.run import Check, Run, Saved
from pipeline.training.split import split

MOST_CHECKED = 100
"""Held-out rows that are looked at while training; all of them are at its end."""


@dataclass(frozen=True)
class JudgeCheck(Check):
    """With how well held-out rows are told apart."""

    held_auroc: float


@dataclass(frozen=True)
class Trained:
    """What came of it. `kept` is the check whose adapter was written, which was found by `chose` of the held-out rows.
    `by_source` has rows, labels, how well they are told apart, and log loss, on held-out rows of each source; `held`,
    `area` and `log_loss` are of all. `prompts_apart` is as in `Split`."""

    held: int
    prompts_apart: bool
    checks: Sequence[JudgeCheck]
    kept: JudgeCheck
    chose: int
    by_source: Mapping[str, tuple[int, int, Area, float]]
    area: Area
    log_loss: float


def train_adapter(
    rows: Sequence[Row],
    weights: Path,
    out: Path,
    plan: JudgePlan,
    *,
    start: Path | None = None,
    held: float = 0.08,
    threads: int | None = None,
    resume: bool = True,
    stepped: Callable[[int, int], None] = lambda *_: None,
    checked: Callable[[JudgeCheck], None] = lambda _: None,
) -> Trained:
    """Train on `rows`, check on a share of them, and write the best adapter to `out`. `start` is an adapter to go on
    from, of the same rank.

    `stepped` is told the step and how many there are; `checked` each check. A run that was stopped goes on where its
    last check was, as long as rows, those held out, weights and plan are the same. Raises `BadInput` where none can be
    held out, training diverges, or `start` is for other weights or an identity; `ModelMissing` and `ModelUnusable` for
    a `start` that cannot be read.
    """
    if start:
        _refuse_strange(start, weights)
    if threads:
        torch.set_num_threads(threads)
    model = LlamaModel(weights)
    parted = split(rows, held=held, seed=plan.seed)
    learnt, kept = [rows[place] for place in parted.learnt], [rows[place] for place in parted.held]
    if not learnt or not kept:
        raise BadInput(
            f"{len(rows)} rows are too few, or too much alike, to hold some out to check with: give more that differ"
        )
    examples = [tokenised(row, model) for row in learnt]
    tests = [whole(row, model) for row in kept]
    trainer = Trainer(weights, plan, yes=model.spellings["yes"], no=model.spellings["no"])
    saved = Saved(out.with_name(f"{out.name}.state"), _key(learnt, kept, weights, plan, start))
    steps = plan.steps(len(examples))
    some = random.Random(plan.seed).sample(tests, min(MOST_CHECKED, len(tests)))

    def look(loss: float) -> JudgeCheck:
        found = _held_out(trainer, some)
        return JudgeCheck(trainer.step, steps, loss, log_loss(*found), auroc(*found))

    cure = f"try a lower --rate than {plan.rate:g}"
    run = Run(trainer, saved, look, remade=JudgeCheck, patience=plan.patience, cure=cure, told=checked)
    if start:
        begun = read_adapter(start, trainer.adapter(), alpha=plan.alpha, heads=trainer.heads)
        trainer.restore({"adapter": begun})
    if resume:
        run.resume()
    for step in run.follow(trainer.train(examples, steps, run.check)):
        stepped(step, steps)
    trainer.restore({"adapter": run.best})
    name = f"superego judge for {weights.stem}"
    write_adapter(
        out, run.best, alpha=plan.alpha, heads=trainer.heads, name=name,
        metadata={ACTS_ON: plan.acts_on, MADE_FOR: fingerprint(weights)},
    )  # fmt: skip
    probabilities, broken = _held_out(trainer, tests)
    saved.forget()
    return Trained(
        len(kept),
        parted.prompts_apart,
        run.checks,
        run.kept,
        len(some),
        _by_source(kept, probabilities, broken),
        area(probabilities, broken, _prompts(kept)),
        log_loss(probabilities, broken),
    )


def _refuse_strange(start: Path, weights: Path) -> None:
    """What is written says that it was trained on these weights, so what it begins with must be."""
    if made_for_others(read_metadata(start, MADE_FOR), weights):
        raise BadInput(f"{start} cannot be gone on from: it was trained on other weights than {weights}")
    if Made.read(partial(read_metadata, start)):
        raise BadInput(f"{start} cannot be gone on from: it is an identity, for the generator, and judges nothing")


def _held_out(trainer: Trainer, tests: Sequence[Example]) -> tuple[list[float], list[bool]]:
    return trainer.probabilities(tests).tolist(), [broken for example in tests for broken in example.broken]


def _by_source(
    rows: Sequence[Row], probabilities: Sequence[float], broken: Sequence[bool]
) -> dict[str, tuple[int, int, Area, float]]:
    prompts, sources = np.array(_prompts(rows), dtype=object), [row.source.partition(":")[0] for row in rows]
    labels = np.repeat(sources, [len(row.labels) for row in rows])
    found = {}
    for source in sorted(set(sources)):
        mine = labels == source
        said, truth = np.asarray(probabilities)[mine], np.asarray(broken)[mine]
        able = area(said, truth, prompts[mine].tolist())
        found[source] = (sources.count(source), int(mine.sum()), able, log_loss(said, truth))
    return found


def _prompts(rows: Sequence[Row]) -> list[str]:
    """Of each label."""
    return [row.prompt for row in rows for _ in row.labels]


def _key(learnt: Sequence[Row], kept: Sequence[Row], weights: Path, plan: JudgePlan, start: Path | None) -> str:
    """Of all that a check depends on: a row's source only tells how figures are put together."""
    told = [
        [[asdict(row.exchange), [[rule.statement, broken] for rule, broken in row.labels.items()]] for row in rows]
        for rows in (learnt, kept)
    ]
    begun = hashlib.sha256(start.read_bytes()).hexdigest() if start else ""
    text = json.dumps([told, fingerprint(weights), asdict(plan), begun], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

"""Training an identity from lessons to files: check on what is held out, stop early, resume, write the adapter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from pipeline.identity.lessons import Lesson
from pipeline.identity.lessons.released import as_released
from pipeline.identity.made import Made
from pipeline.llama import MADE_FOR, fingerprint
from pipeline.training.adapter_file import write_adapter
from pipeline.training.distil import Distiller, IdentityPlan
from pipeline.training.peft_folder import write_peft
from pipeline.training.run import Check, Run, Saved

CURVE = "superego.curve"
"""Under this, a file has its held-out curve: JSON, a list of checks."""


@dataclass(frozen=True)
class IdentityCheck(Check):
    """Losses are divergences from the told model; `recovered` is the share of that of the plain one that is gone."""

    recovered: float


def train_identity(
    lessons: Sequence[Lesson],
    held: Sequence[Lesson],
    weights: Path,
    out: Path,
    plan: IdentityPlan,
    made: Made,
    *,
    peft: Path | None = None,
    threads: int | None = None,
    state: Path,
    stepped: Callable[[int, int], None] = lambda *_: None,
    checked: Callable[[IdentityCheck], None] = lambda _: None,
) -> Sequence[IdentityCheck]:
    """Train on `lessons`, check on those `held` out, and write the best adapter to `out`, and as PEFT keeps one to the
    folder `peft`.

    `stepped` is told the step and how many there are; `checked` each check, of which the first is before any step. A
    run that was stopped goes on where its last check was, kept in the file `state`, as long as lessons, weights and
    plan are the same. Raises `BadInput` where training diverges.
    """
    if threads:
        torch.set_num_threads(threads)
    trainer = Distiller(weights, plan)
    steps = plan.steps(len(lessons))
    plain = [float("nan")]

    def look(loss: float) -> IdentityCheck:
        found = trainer.divergence(held)
        return IdentityCheck(trainer.step, steps, loss, found, 1 - found / plain[0])

    saved = Saved(state, _key(lessons, held, weights, plan))
    cure = "try another --seed, or other prompts"
    run = Run(trainer, saved, look, remade=IdentityCheck, patience=plan.patience, cure=cure, told=checked)
    run.resume()
    plain[0] = run.checks[0].held_loss if run.checks else trainer.divergence(held)
    if not run.checks:  # B is nothing yet: this is the model as it is
        run.check(float("nan"))
    for step in run.follow(trainer.train(as_released(lessons), steps, run.check)):
        stepped(step, steps)
    curve = json.dumps([asdict(check) for check in run.checks[1:]])
    write_adapter(
        out, run.best, alpha=plan.alpha, heads=trainer.heads, name=f"{made.manifesto}, trained",
        metadata={**made.metadata(), MADE_FOR: fingerprint(weights), CURVE: curve},
    )  # fmt: skip
    if peft is not None:
        write_peft(peft, run.best, trainer.config, base=weights.stem)
    return run.checks


def _key(lessons: Sequence[Lesson], held: Sequence[Lesson], weights: Path, plan: IdentityPlan) -> str:
    told = hashlib.sha256(json.dumps([fingerprint(weights), asdict(plan)], sort_keys=True).encode())
    for some in (lessons, held):
        told.update(f"{len(some)} ".encode())
        for lesson in some:
            told.update(
                np.array([*lesson.prompt, -1, *lesson.answer, lesson.accepted, lesson.struck], np.int32).tobytes()
            )
            told.update(lesson.logs.tobytes())
    return told.hexdigest()

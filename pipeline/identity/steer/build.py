"""An adapter from a manifesto's words alone, with no training: see fit.py for how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from critics import Manifesto, Message
from pipeline.errors import BadInput
from pipeline.files.lora_file import read_lora, read_metadata, write_lora
from pipeline.identity.heard import refuse_unheard
from pipeline.identity.made import Made
from pipeline.identity.preprompt import preprompt
from pipeline.identity.steer.fit import Changes, fit
from pipeline.identity.steer.lacking import MATRIX
from pipeline.identity.steer.plan import Plan
from pipeline.identity.steer.probes import Probe, build_prompts, probed
from pipeline.identity.steer.solve import Patch
from pipeline.identity.steer.weights import Array, GgufLlama
from pipeline.llama import MADE_FOR, Engine, fingerprint

HELD = 12
"""Of the prompts, those which an adapter is not built from, so that it can be measured on them."""

PROMPTS = 64 + HELD
"""That are answered where none are given."""

LEAST = 3
"""Answers that something can be solved from."""

ADDED_RANK = 16
"""What one addition may add to an adapter's rank, before it is truncated to what it was."""


@dataclass(frozen=True)
class Split:
    """Prompts to build from, and those to measure with."""

    learnt: Sequence[str]
    held: Sequence[str]


@dataclass(frozen=True)
class Steer:
    """An adapter that can be written. `held` are probes that it was not built from, where it was built here."""

    made: Made
    weights: str
    changes: Changes
    held: tuple[Probe, ...] = ()

    @property
    def rank(self) -> int:
        """That of the matrix which is changed most."""
        return max(len(patch.a) for patches in self.changes.values() for patch in patches.values())

    @property
    def holds(self) -> bool:
        """Whether the tokens of the chat template hold what is told."""
        return any(name != MATRIX for patches in self.changes.values() for name in patches)


def build_steer(
    manifesto: Manifesto,
    engine: Engine,
    weights: Path,
    plan: Plan = Plan(),
    *,
    prompts: Sequence[str] | None = None,
    seed: int = 0,
    stepped: Callable[[str, int, int], None] = lambda *_: None,
) -> Steer:
    """Build an adapter for the model in `weights`, which `engine` runs. `stepped` hears what is done and how far.

    Raises `ModelUnusable` for a model that is not of the Llama family.
    """
    prompts = prompts or build_prompts()[:PROMPTS]
    split = Split(prompts[: -_many(prompts)], prompts[-_many(prompts) :])
    changes, held = _fitted(manifesto, (), engine, weights, plan, split, seed, None, stepped)
    return Steer(Made.of("steer", manifesto), fingerprint(weights), changes, held)


def refined(
    before: Steer,
    manifesto: Manifesto,
    also: str,
    engine: Engine,
    weights: Path,
    plan: Plan = Plan(),
    *,
    prompts: Sequence[str] | None = None,
    seed: int = 0,
    stepped: Callable[[str, int, int], None] = lambda *_: None,
) -> Steer:
    """An adapter gone on from, which heeds `also` as well, of the same rank and, where the plan names none, in the same
    layers. A few prompts do for one more rule.

    Raises `BadInput` for an adapter of another manifesto, of other words, or of other weights.
    """
    if before.made.manifesto != manifesto.name or before.made.stale(manifesto):
        raise BadInput(f"the adapter was made of other words than {manifesto.name}'s: build it anew first")
    if before.weights != fingerprint(weights):
        raise BadInput(f"the adapter was made for other weights than {weights}: build it anew first")
    plan = replace(plan, layers=plan.layers or frozenset(before.changes))
    added = (*before.made.also, " ".join(also.split()))
    if before.holds:
        start, plan = None, replace(plan, cells=before.rank)
    else:
        start, plan = before.changes, replace(plan, rank=ADDED_RANK, most=before.rank)
    changes, held = _fitted(manifesto, added, engine, weights, plan, _kept_apart(prompts), seed, start, stepped)
    return Steer(Made.of("steer", manifesto, also=added), before.weights, changes, held)


def _kept_apart(prompts: Sequence[str] | None) -> Split:
    """For an adapter that is gone on from: the last of the project's prompts are those which no adapter is built from,
    however many it is built from. By itself every fourth of the others is learnt from."""
    every = build_prompts()
    prompts, apart = prompts or [*every[:-HELD:4], *every[-HELD:]], every[-HELD:]
    learnt = [prompt for prompt in prompts if prompt not in apart]
    return Split(learnt[: len(prompts) - _many(prompts)], apart[-_many(prompts) :])


def _many(prompts: Sequence[str]) -> int:
    """How many of them are held out."""
    return max(1, min(HELD, len(prompts) // 4))


def _fitted(
    manifesto: Manifesto,
    also: Sequence[str],
    engine: Engine,
    weights: Path,
    plan: Plan,
    split: Split,
    seed: int,
    start: Changes | None,
    stepped: Callable[[str, int, int], None],
) -> tuple[Changes, tuple[Probe, ...]]:
    llama = GgufLlama(weights)  # before the probes, so that a model of another family is refused at once
    layers = llama.shape.layers
    if plan.layers is not None and not plan.layers <= set(range(layers)):
        raise BadInput(f"{engine.model.name} has {layers} layers, from 0 to {layers - 1}")
    system = preprompt(manifesto, also=also)
    refuse_unheard(engine.model, system)
    prompts = [*split.learnt, *split.held]
    probes = probed(engine, system, prompts, seed=seed, stepped=lambda done, of: stepped("answering", done, of))
    apart = {tuple(engine.model.prompt([Message("user", prompt)])) for prompt in split.held}
    learnt, held = ([probe for probe in probes if (probe.plain in apart) is kept] for kept in (False, True))
    if len(learnt) < LEAST or not held:
        raise BadInput(f"{len(prompts)} prompts gave {len(probes)} answers: give more of them")
    changes = fit(llama, learnt, plan, start=start, stepped=lambda done, of: stepped("solving", done, of))
    return changes, tuple(held)


def write_steer(path: Path, steer: Steer) -> None:
    """As a GGUF adapter. Raises `OutputFault`."""
    tensors = {}
    for number, patches in steer.changes.items():
        for matrix, patch in patches.items():
            # llama.cpp divides by each matrix's own rank: with all of one rank, `alpha` undoes that.
            a, b = _padded(patch, steer.rank)
            tensors[f"blk.{number}.{matrix}.weight.lora_a"] = a
            tensors[f"blk.{number}.{matrix}.weight.lora_b"] = b
    metadata = {**steer.made.metadata(), MADE_FOR: steer.weights}
    write_lora(path, tensors, alpha=float(steer.rank), name=f"{steer.made.manifesto}, steered", metadata=metadata)


def read_steer(path: Path) -> Steer:
    """What `write_steer` wrote. Raises `ModelMissing`, `ModelUnusable`, `BadInput`."""
    tensors = read_lora(path)
    made = Made.read(lambda key: read_metadata(path, key))
    if made is None or made.kind != "steer":
        raise BadInput(f"{path} is not an adapter that `superego identity build steer` made")
    changes: dict[int, dict[str, Patch]] = {}
    for name, values in tensors.items():
        _, number, matrix, *_, part = name.split(".")
        if part == "lora_a":
            changes.setdefault(int(number), {})[matrix] = Patch(values, tensors[name.removesuffix("a") + "b"])
    return Steer(made, read_metadata(path, MADE_FOR), changes)


def _padded(patch: Patch, rank: int) -> tuple[Array, Array]:
    missing = rank - len(patch.a)
    return np.pad(patch.a, ((0, missing), (0, 0))), np.pad(patch.b, ((0, 0), (0, missing)))

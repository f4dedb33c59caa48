"""Lessons for `superego identity build lora`: which prompts, through which loop, kept where."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from critics import Manifesto
from pipeline.assembly import Parts
from pipeline.cli.prompt_file import single_prompts
from pipeline.errors import BadInput
from pipeline.identity import Worn, preprompt
from pipeline.llama import fingerprint
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.identity.lessons import Gathered

PROMPTS = 280
"""That it is built from by itself, half of them the model's own inventions."""

HELD = 24
"""Of the prompts that were given, those that the curve is measured on."""

Stepped = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `given` is a file of prompts, `prompts` how many there are to be with inventions."""

    out: Path
    given: Path | None = None
    prompts: int | None = None
    rank: int = 16
    epochs: int = 3
    peft: Path | None = None
    seed: int = 0
    restart: bool = False


def given_prompts(wanted: Wanted) -> list[str]:
    """The prompts that are not inventions."""
    from pipeline.identity.steer.probes import build_prompts

    given = single_prompts(wanted.given) if wanted.given else build_prompts()
    given = given[: wanted.prompts] if wanted.prompts else given
    if len(given) < 4:
        raise BadInput(f"{len(given)} prompts are too few to hold some out: give four at least")
    return given


def lessons_of(
    manifesto: Manifesto,
    settings: Settings,
    parts: Parts,
    given: Sequence[str],
    wanted: Wanted,
    folder: Path,
    stepped: Stepped,
) -> tuple[Gathered, Gathered]:
    """Those to learn from, and those to check with, which are no inventions."""
    from pipeline.identity.lessons import Course, Gathered, gathered

    engine, _ = parts.drafting()
    told = preprompt(manifesto)
    pipeline = parts.pipeline(manifesto, generator=parts.generator(manifesto, Worn(told)))
    held = random.Random(wanted.seed).sample(given, max(1, min(HELD, len(given) // 5)))
    learnt = [prompt for prompt in given if prompt not in held]
    learnt += _inventions(parts, given, wanted, folder, stepped)
    found = list[Gathered]()
    for name, prompts, seed in (("held", held, wanted.seed + 500), ("learnt", learnt, wanted.seed)):
        (folder / name).mkdir(exist_ok=True)
        found.append(
            gathered(
                pipeline, told, engine.model, prompts, folder / name, Course(seed=seed), threads=settings.threads,
                stepped=lambda done, of: stepped("answering", done, of),
            )
        )  # fmt: skip
    # By how much it is like the told model, but for where that went wrong.
    checking = (lesson.unbroken() for lesson in found[0].lessons if not lesson.accepted)
    return found[1], replace(found[0], lessons=tuple(lesson for lesson in checking if lesson.answer))


def _inventions(parts: Parts, given: Sequence[str], wanted: Wanted, folder: Path, stepped: Stepped) -> list[str]:
    """Kept in the folder, so that a run that goes on has the same."""
    from pipeline.identity.lessons import invented

    file = folder / "invented.json"
    if file.is_file():
        known: list[str] = json.loads(file.read_text("utf-8"))
        return known
    count = max(0, (wanted.prompts or PROMPTS) - len(given))
    found = invented(
        parts.drafting()[0], given, count, seed=wanted.seed,
        stepped=lambda done, of: stepped("inventing", done, of),
    )  # fmt: skip
    part = file.with_suffix(".part")
    part.write_text(json.dumps(found), "utf-8")
    part.replace(file)
    return found


def kept_folder(wanted: Wanted, manifesto: Manifesto, settings: Settings, weights: Path, given: Sequence[str]) -> Path:
    """Where a run that was stopped left what it had; empty where that was another run."""
    folder, generator = wanted.out.with_name(f"{wanted.out.name}.work"), settings.generator
    asked = [manifesto.hash, fingerprint(weights), *given, wanted.prompts or PROMPTS, wanted.seed]
    asked += [generator.temperature, generator.top_p, generator.min_p, generator.max_tokens]
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    kept = folder / "key"
    if folder.exists() and not kept.is_file():
        raise BadInput(f"{folder} is in the way: it would be written over, and `identity build` did not make it")
    if wanted.restart or (kept.is_file() and kept.read_text("utf-8") != key):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    kept.write_text(key, "utf-8")
    return folder

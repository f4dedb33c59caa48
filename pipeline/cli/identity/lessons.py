"""Lessons for `superego identity build lora`: which prompts, through which loop, kept where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from critics import Manifesto
from pipeline.assembly import Parts
from pipeline.assembly.conditions import conditions
from pipeline.cli.flags.prompt_file import single_prompts
from pipeline.cli.terminal.bar import Stepped
from pipeline.errors import BadInput
from pipeline.files.replacing import replacing
from pipeline.identity import Worn, preprompt
from pipeline.settings import IdentitySettings, Settings

if TYPE_CHECKING:
    from pipeline.identity.lessons import Gathered

PROMPTS = 280
"""That it is built from by itself, half of them the model's own inventions."""


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


@dataclass(frozen=True)
class Given:
    """The prompts that are not inventions: those to learn from, and those to check with."""

    learnt: Sequence[str]
    held: Sequence[str]


def given_prompts(wanted: Wanted) -> Given:
    """Raises `BadInput` where none can be held out."""
    from pipeline.identity.lessons import held_out
    from pipeline.identity.steer.probes import build_prompts

    given = single_prompts(wanted.given) if wanted.given else build_prompts()
    given = given[: wanted.prompts] if wanted.prompts else given
    if len(given) < 4:
        raise BadInput(f"{len(given)} prompts are too few to hold some out: give four at least")
    return Given(*held_out(given, seed=wanted.seed))


def lessons_of(
    manifesto: Manifesto,
    settings: Settings,
    parts: Parts,
    given: Given,
    wanted: Wanted,
    folder: Path,
    stepped: Stepped,
) -> tuple[Gathered, Gathered]:
    """Those to learn from, and those to check with, which are no inventions."""
    from pipeline.identity.lessons import Course, Gathered, gathered

    engine, _ = parts.drafting()
    told = preprompt(manifesto)
    pipeline = parts.pipeline(manifesto, generator=parts.generator(manifesto, Worn(told)))
    learnt = [*given.learnt, *_inventions(parts, given, wanted, folder, stepped)]
    found = list[Gathered]()
    for name, prompts, seed in (("held", given.held, wanted.seed + 500), ("learnt", learnt, wanted.seed)):
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


def _inventions(parts: Parts, given: Given, wanted: Wanted, folder: Path, stepped: Stepped) -> list[str]:
    """Kept in the folder, so that a run that goes on has the same. The model is shown nothing that is held out."""
    from pipeline.identity.lessons import invented

    file = folder / "invented.json"
    if file.is_file():
        return _read(file)
    count = max(0, (wanted.prompts or PROMPTS) - len(given.learnt) - len(given.held))
    found = invented(
        parts.drafting()[0], given.learnt, count, seed=wanted.seed, held=given.held,
        stepped=lambda done, of: stepped("inventing", done, of),
    )  # fmt: skip
    with replacing(file) as part:
        part.write_text(json.dumps(found), "utf-8")
    return found


def _read(file: Path) -> list[str]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, list) or not all(isinstance(prompt, str) for prompt in found):
        raise BadInput(f"{file} is damaged: begin anew with --restart")
    return found


def key_of(manifesto: Manifesto, settings: Settings, given: Given, wanted: Wanted) -> str:
    """What lessons depend on: those of a stopped run with another key are not gone on with."""
    # How many threads there are is all the same, and so is what else is worn, which may not be built yet.
    settings = settings.model_copy(update={"threads": None, "manifesto": "", "identity": IdentitySettings()})
    asked = [manifesto.hash, conditions(settings), given.learnt, given.held, wanted.prompts or PROMPTS, wanted.seed]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

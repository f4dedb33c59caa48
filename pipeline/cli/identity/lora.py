"""`superego identity build lora`: prompts through the loop, lessons from the answers, an adapter from the lessons."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from critics import ExtraMissing, Manifesto
from pipeline.assembly import Parts
from pipeline.cli.identity.lessons import Wanted, given_prompts, key_of, lessons_of
from pipeline.cli.identity.work import work_folder
from pipeline.cli.terminal.bar import Stepped
from pipeline.cli.terminal.reporting import say
from pipeline.errors import BadInput
from pipeline.identity import Made, preprompt, refuse_unheard
from pipeline.machine.cores import available_cores
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.training.identity_adapter import IdentityCheck

DRAFT = 128
"""Tokens of a draft that goes through the loop."""


def build_lora(
    manifesto: Manifesto,
    settings: Settings,
    wanted: Wanted,
    *,
    stepped: Stepped = lambda *_: None,
    tell: Callable[[str], None] = say,
) -> tuple[dict[str, object], list[str]]:
    """Figures of what was built, with where it is, and why it should not be used. `stepped` hears what is
    done and how far, and `tell` what else there is to say. Raises `BadInput`, `ExtraMissing`, `OutputFault`."""
    try:
        from pipeline.identity.gate import gated
        from pipeline.identity.placing import placed, placed_folder
        from pipeline.identity.steer.probes import Probe
        from pipeline.identity.steer.weights import GgufLlama
        from pipeline.training.distil import IdentityPlan
        from pipeline.training.identity_adapter import train_identity
        from pipeline.training.run import kept_of
    except ImportError as exc:
        raise ExtraMissing("lora", "adapter", kind="identity") from exc
    settings, told = _shorter(settings), preprompt(manifesto)
    plan = IdentityPlan(rank=wanted.rank, alpha=wanted.rank, epochs=wanted.epochs, seed=wanted.seed)
    given = given_prompts(wanted)
    parts = Parts(settings, judged=True)  # answers are read once more: in the form that reads faster
    try:
        engine, weights = parts.drafting()
        GgufLlama(weights)  # so that a model of another family is refused at once
        refuse_unheard(engine.model, told)
        key = key_of(manifesto, settings, given, wanted)
        with work_folder(wanted.out, key, restart=wanted.restart) as folder:
            lessons, held = lessons_of(manifesto, settings, parts, given, wanted, folder, stepped)
            parts.close()  # the engine and torch would take the cores from one another
            if not lessons.lessons or not held.lessons:
                raise BadInput(f"{lessons.asked + held.asked} prompts gave too few answers: give more of them")
            tell(
                f"{lessons.asked} prompts: {lessons.passed} first drafts passed, {lessons.mended} answers were mended; "
                f"{held.asked} prompts are held out"
            )
            began, adapter, peft = time.monotonic(), folder / "adapter.gguf", folder / "peft"
            checks = train_identity(
                lessons.lessons, held.lessons, weights, adapter, plan, Made.of("lora", manifesto),
                peft=peft if wanted.peft else None, threads=settings.threads or available_cores(),
                state=folder / "state.pt", stepped=lambda done, of: stepped("training", done, of),
                checked=lambda check: tell(_told(check, began)),
            )  # fmt: skip
            probes = [Probe(lesson.told, lesson.prompt, lesson.answer) for lesson in held.lessons]
            gate = gated(adapter, told, probes, weights, threads=settings.threads)
            places = {"file": str(placed(adapter, wanted.out, gate))}
            if wanted.peft:
                places["peft"] = str(placed_folder(peft, wanted.peft, gate))
    finally:
        parts.close()
    figures: dict[str, object] = gate.figures | {
        "prompts": lessons.asked + held.asked, "mended": lessons.mended, "steps": kept_of(checks).step,
        "rank": wanted.rank,
    }  # fmt: skip
    return figures | places, list(gate.faults)


def _shorter(settings: Settings) -> Settings:
    """With drafts of `DRAFT` tokens at most."""
    generator = settings.generator
    shorter = generator.model_copy(update={"max_tokens": min(DRAFT, generator.max_tokens)})
    return settings.model_copy(update={"generator": shorter})


def _told(check: IdentityCheck, began: float) -> str:
    minutes = (time.monotonic() - began) / 60
    loss = "" if math.isnan(check.loss) else f"loss {check.loss:.3f}, "
    return (
        f"step {check.step} of {check.steps}: {loss}held out {check.held_loss:.4f}, recovered {check.recovered:.2f} "
        f"({minutes:.0f} min)"
    )

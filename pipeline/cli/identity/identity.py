"""`superego identity`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import critics
from critics import ExtraMissing, Manifesto
from pipeline.assembly import Parts, asks_model
from pipeline.cli.flags import options
from pipeline.cli.flags.inputs import refuse_over, told_by
from pipeline.cli.identity.compare import compare
from pipeline.cli.identity.lessons import Wanted
from pipeline.cli.identity.lora import build_lora
from pipeline.cli.identity.work import refuse_folder
from pipeline.cli.terminal.bar import bar
from pipeline.cli.terminal.reporting import DONE, FAULT, reported, say
from pipeline.errors import BadInput
from pipeline.identity import build_state, preprompt, write_state
from pipeline.identity.made import Kind

app = typer.Typer(help="Put a manifesto into the generator itself, so that fewer drafts fail.", no_args_is_help=True)


@app.command("build")
@reported
def build(
    kind: Annotated[Kind, typer.Argument(help="state: what the model holds once it has read it; steer: an adapter.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="What to write; of an adapter, a .gguf file.")],
    manifesto: options.ManifestoName = None,
    rank: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=512,
            help="How much the adapter can hold: of a steer, how many tokens of the chat template hold what is told, 4 "
            "when not given; with --anywhere, or where a template has none, the rank of each layer, 64; of a lora 16.",
            show_default=False,
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="That are changed, as 5-29; when not given all, with --add those that were; steer.", show_default=False
        ),
    ] = None,
    anywhere: Annotated[
        bool,
        typer.Option(
            "--anywhere", help="For conversations that bring a system message of their own; recovers less; steer."
        ),
    ] = False,
    prompts: Annotated[
        int | None,
        typer.Option(
            min=4,
            show_default=False,
            help="How many are answered for it: 76 when not given; of a lora 280, half of them invented.",
        ),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option("--prompts-from", help="Prompts of yours, a line each or JSONL; lora.", show_default=False),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Times that each answer is learnt from; lora.", show_default="3")
    ] = None,
    peft: Annotated[
        Path | None,
        typer.Option("--peft", help="A folder, to write it as PEFT keeps it as well; lora.", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Whether to go on with a run that was stopped; lora.")
    ] = True,
    add: Annotated[
        str | None, typer.Option("--add", help="Refine the adapter in --out by one more rule, in a minute; steer.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the answers that it is built from; steer, lora.", show_default="0"),
    ] = None,
    as_json: options.Json = False,
    generator: options.GeneratorName = None,
    config: options.ConfigFile = None,
) -> int:
    """Build an identity from a manifesto's words. Use it with --identity FILE.

    state is what the model holds once it has read them, in seconds; steer an adapter solved from them, in about a
    minute; lora one trained on answers that went through the loop, in a quarter of an hour; stopped, it goes on where
    it was.

    Exit code 1 if an adapter does not do what it is for: it is kept as NAME.rejected.gguf, as PEFT's as
    FOLDER.rejected, and --out and --peft stay as they were.

    Example: superego identity build steer -m house-style -o house-style.gguf
    """
    settings = options.settings_from(config, manifesto=manifesto, generator=generator)
    loaded = critics.load(settings.manifesto, trusted=settings.trusted)
    adapts = kind != "state"
    if not out.resolve().parent.is_dir() or (out.exists() and not out.is_file()) or (adapts and out.suffix != ".gguf"):
        raise BadInput(f"{out} should be a {'.gguf ' if adapts else ''}file in a folder that exists")
    if peft is not None:
        refuse_folder(peft, out)
    if add is not None and (kind != "steer" or not add.strip()):
        raise BadInput('--add is one more rule for an adapter, in words: `identity build steer --add "also: …"`')
    if add is not None and (rank or anywhere):
        raise BadInput("--add goes on from an adapter of its own rank and kind: leave out --rank and --anywhere")
    if kind != "lora" and (epochs or not resume or given or peft):
        raise BadInput(f"--epochs, --restart, --prompts-from and --peft are for a lora: {kind} takes none of them")
    if kind != "steer" and (layers or anywhere):
        raise BadInput(f"--layers and --anywhere are for a steer: {kind} takes neither")
    if kind == "state" and (rank or prompts or seed is not None):
        raise BadInput("--rank, --prompts and --seed are for a steer or a lora: state takes none of them")
    refuse_over(out, (*told_by(settings, config), given, peft))
    began = time.monotonic()
    if kind == "lora":
        wanted = Wanted(out, given, prompts, rank or 16, epochs or 3, peft, seed or 0, not resume)
        with bar("answering") as (stepped, tell):
            told, faults = build_lora(loaded, settings, wanted, stepped=stepped, tell=tell)
    else:
        parts = Parts(settings, judged=asks_model(loaded))
        if kind == "state":
            told, faults = _state(loaded, parts, out)
        else:
            how: dict[str, Any] = {"layers": _numbers(layers)}
            how |= {"rank": rank, "cells": rank} if rank else {}
            how |= {"cells": 0} if anywhere else {}
            told, faults = _steer(loaded, parts, out, how, prompts, add, seed or 0, settings.threads)
    told |= {"seconds": round(time.monotonic() - began, 2), "manifesto": loaded.name}
    if as_json:
        print(json.dumps(told | {"faults": faults}, indent=2))
    for fault in faults:
        say(f"not to be used: {fault}", style="red")
    if not as_json:
        say(", ".join(f"{name} {value}" for name, value in told.items()))
    if not as_json and not faults:
        say(f"To use it: superego ask … -m {settings.manifesto} --identity {out}")
    return FAULT if faults else DONE


def _state(manifesto: Manifesto, parts: Parts, out: Path) -> tuple[dict[str, object], list[str]]:
    state = build_state(manifesto, *parts.drafting())
    parts.close()
    write_state(out, state)
    return {"tokens": len(state.tokens), "megabytes": round(state.cells.nbytes / 1e6, 1), "file": str(out)}, []


def _steer(
    manifesto: Manifesto,
    parts: Parts,
    out: Path,
    how: Mapping[str, Any],
    prompts: int | None,
    add: str | None,
    seed: int,
    threads: int | None,
) -> tuple[dict[str, object], list[str]]:
    try:
        from pipeline.identity.gate import gated
        from pipeline.identity.placing import beside, placed
        from pipeline.identity.steer import Plan, build_steer, read_steer, refined, write_steer
        from pipeline.identity.steer.probes import build_prompts
    except ImportError as exc:
        raise ExtraMissing("steer", "identity", kind="identity") from exc
    plan, chosen = Plan(**how), build_prompts()[:prompts] if prompts else None
    engine, weights = parts.drafting()
    with bar("answering") as (stepped, _), beside(out) as part:
        if add is not None:
            made = refined(
                read_steer(out), manifesto, add, engine, weights, plan, prompts=chosen, seed=seed, stepped=stepped
            )
        else:
            made = build_steer(manifesto, engine, weights, plan, prompts=chosen, seed=seed, stepped=stepped)
        write_steer(part, made)
        parts.close()  # what measures has an engine of its own
        stepped("measuring", 0, 1)
        gate = gated(part, preprompt(manifesto, also=made.made.also), made.held, weights, threads=threads)
        stepped("measuring", 1, 1)
        file = placed(part, out, gate)
    return {**gate.figures, "rank": made.rank, "file": str(file)}, list(gate.faults)


def _numbers(text: str | None) -> frozenset[int] | None:
    """Layers from the first to the last, both among them."""
    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or not dash)) or int(first) > int(last or first):
        raise BadInput(f"--layers {text!r}: give a first and a last one, counted from 0, like 5-29")
    return frozenset(range(int(first), int(last or first) + 1))


app.command("compare")(compare)

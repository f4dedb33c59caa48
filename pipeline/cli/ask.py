"""`superego ask`: one prompt through the loop."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.assembly import assemble
from pipeline.cli import trace
from pipeline.cli.flags import options
from pipeline.cli.terminal.reporting import DONE, FAULT, WITHHELD, note, reported, say, stderr
from pipeline.errors import BadInput
from pipeline.files.inputs import read_sources
from pipeline.files.records import outcome_record
from pipeline.loop import Outcome

_CODES = {"released": DONE, "withheld": WITHHELD, "faulted": FAULT}


@reported
def ask(
    prompt: Annotated[str, typer.Argument(help="What to answer; - reads standard input.")],
    manifesto: options.ManifestoName = None,
    context: Annotated[
        Path | None, typer.Option("--context", help="Sources: a JSON list of {text, origin, published, kind}.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Makes the drafts repeatable.")] = None,
    show: Annotated[bool, typer.Option("--trace", help="Show every attempt with its rules.")] = False,
    as_json: options.Json = False,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    identity: options.Identities = None,
    identity_scale: options.IdentityScale = None,
    base_url: options.BaseUrl = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0, show_default=False)] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of one draft.", show_default=False)
    ] = None,
    config: options.ConfigFile = None,
) -> int:
    """Ask one question. Exit code 0: released; 1: fault; 3: withheld.

    Example: superego ask "How do vaccines work?" -m house-style --trace
    """
    settings = options.settings_from(
        config,
        manifesto=manifesto,
        generator=generator,
        judge=judge,
        adapter=adapter,
        identity=identity,
        identity_scale=identity_scale,
        base_url=base_url,
        temperature=temperature,
        max_tokens=max_tokens,
    )
    notes: list[str] = []  # told once it is clear that there are such models
    loaded = options.manifesto_from(settings, notes.append)
    sources = read_sources(_text(context), str(context)) if context else ()
    asked = _stdin() if prompt == "-" else prompt
    if not asked.strip():
        raise BadInput("the prompt is empty")
    pipeline = assemble(loaded, settings)
    for each in notes:
        note(each)
    console = stderr()
    observe = trace.observer(console, loaded) if show else None
    with trace.working(console, quiet=show or as_json):
        outcome = pipeline.ask(asked, context=sources, seed=seed, observe=observe)
    if show:
        trace.show_end(console, outcome)
    _print(outcome, as_json=as_json, traced=show)
    return _CODES[outcome.status]


def _print(outcome: Outcome, *, as_json: bool, traced: bool) -> None:
    if as_json:
        print(json.dumps(outcome_record(outcome), indent=2))
    elif outcome.answer is not None:
        print(outcome.answer)
    if outcome.status == "faulted":
        say(outcome.fault, style="red")
    elif outcome.status == "withheld" and not traced:
        say(outcome.why, style="red")


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadInput(f"standard input is not UTF-8: {exc.reason} at byte {exc.start + 1}") from exc


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"{path} cannot be read: {exc}") from exc

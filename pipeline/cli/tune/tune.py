"""`superego tune`: a manifesto in the editor, and beside it what each save changes."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import critics
from critics import Manifesto
from pipeline.assembly import Parts, store_of
from pipeline.caching import Store
from pipeline.cli.flags import options
from pipeline.cli.flags.manifesto_files import ManifestoFiles
from pipeline.cli.flags.prompt_file import prompts_in
from pipeline.cli.terminal.reporting import DONE, FAULT, reported, say
from pipeline.cli.tune.following import follow
from pipeline.cli.tune.view import shown
from pipeline.settings import Settings
from pipeline.tuning import Made, ProbePrompt, Spent, Tuner, distinct, prompts_of


@reported
def tune(
    manifesto: Annotated[str, typer.Argument(help="The file that you edit; a shipped name does as well.")],
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            help="A prompt a line, or JSON lines; else the manifesto's examples', else six.",
            show_default=False,
        ),
    ] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Of one draft.")] = 128,
    loop: Annotated[bool, typer.Option("--loop", help="Revise what failed as well, as ask would.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of every draft.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="Go through the prompts once, and watch nothing.")] = False,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Use drafts and verdicts of earlier runs.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line an event.")] = False,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    identity: options.Identities = None,
    identity_scale: options.IdentityScale = None,
    base_url: options.BaseUrl = None,
    config: options.ConfigFile = None,
) -> int:
    """Watch a manifesto, and show at every save what it changes: rules broken and mended, answers, how many pass.

    It is about first drafts; --loop revises them too. Ctrl-C ends it. Exit code 1 with --once if a model failed.

    Example: superego tune our-style.yaml

    Example: superego tune our-style.yaml --prompts prompts.txt --identity preprompt
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
        max_tokens=max_tokens,
    )
    asked = _read(prompts) if prompts else None
    with _store(settings, cache=cache) as store, shown(as_json=as_json) as view:
        notes = _Notes(settings)
        parts = Parts(settings, store=store, strict=True)
        tuner = Tuner(lambda loaded: asked or prompts_of(loaded), view, seed=seed, loop=loop, workers=settings.parallel)
        make = partial(_made, parts, store, settings, notes)
        try:
            if not once:
                follow(tuner, ManifestoFiles([manifesto]), make)
            ended = tuner.run(make(), threading.Event())
        finally:
            parts.close()
    return FAULT if ended is None or ended.faulted else DONE


def _made(parts: Parts, store: Store, settings: Settings, notes: Callable[[Manifesto], None]) -> Made:
    """The manifesto as it is now. Raises `ManifestoError`, or `SettingsError` where it asks for what is not set."""
    loaded = critics.load(settings.manifesto, trusted=settings.trusted)
    made = Made(parts.pipeline(loaded), parts.kept(loaded), lambda: _spent(store))
    notes(loaded)
    return made


def _spent(store: Store) -> Spent:
    return Spent(store.missed["drafts"], store.missed["verdicts"])


class _Notes:
    """What is worth a note of a manifesto, each said once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._said: set[str] = set()

    def __call__(self, manifesto: Manifesto) -> None:
        for note in options.notes(manifesto, self._settings):
            if note not in self._said:
                self._said.add(note)
                say(note, style="yellow")


@contextmanager
def _store(settings: Settings, *, cache: bool) -> Iterator[Store]:
    """The user's cache, or one that is gone in the end: within a run, what was paid for is always kept."""
    if cache and not settings.deterministic:
        with store_of(settings) as store:
            yield store
        return
    with tempfile.TemporaryDirectory(prefix="superego-") as folder, Store(Path(folder) / "cache.sqlite") as store:
        yield store


def _read(file: Path) -> Sequence[ProbePrompt]:
    return distinct([ProbePrompt(asked.conversation, asked.sources) for _, asked in prompts_in(file)])

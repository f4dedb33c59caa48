"""Flags that several commands share, and the settings that they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from critics import Manifesto
from critics import load as load_manifesto
from pipeline.assembly.cautions import judges_untrained, unfamiliar
from pipeline.assembly.fitted import strangers, unprobed
from pipeline.cli.flags.base_url import served, vendor_keys
from pipeline.cli.terminal.reporting import note
from pipeline.errors import BadInput, SettingsError
from pipeline.given import given
from pipeline.settings import Settings, load_settings, unused

_NAMES = "embedded, a GGUF file, or a LangChain name (openai:…)"

ManifestoName = Annotated[
    str | None, typer.Option("-m", "--manifesto", help="A shipped name or a path.", show_default=False)
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings; else superego.yaml, found upward.", show_default=False)
]
GeneratorName = Annotated[
    str | None,
    typer.Option("--generator", help=f"{_NAMES}.", show_default=False),
]
JudgeName = Annotated[str | None, typer.Option("--judge", help=f"{_NAMES}; else the generator's.", show_default=False)]
AdapterFile = Annotated[
    Path | None,
    typer.Option(
        "--adapter", help="A GGUF adapter for the judge, made by `critic train`, or none.", show_default=False
    ),
]
Identities = Annotated[
    list[str] | None,
    typer.Option(
        "--identity", help="preprompt, none, or a file of `identity build`; several times.", show_default=False
    ),
]
IdentityScale = Annotated[
    float | None, typer.Option("--identity-scale", help="How strongly its adapter is applied.", show_default="1.0")
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", help="The server behind the openai:… names.", show_default=False)
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        envvar="RAY_ADDRESS",
        help="HOST:PORT, or auto for this machine's; else one is started here.",
        show_default=False,
    ),
]
RayWorkers = Annotated[
    int | None, typer.Option("--ray-workers", min=1, help="Each holds an engine; as many as fit.", show_default=False)
]
RayCpus = Annotated[float, typer.Option("--ray-cpus", min=0, help="Cores, and threads, of a worker.")]
RayGpus = Annotated[float, typer.Option("--ray-gpus", min=0, help="GPUs of a worker.")]
RayResources = Annotated[
    list[str] | None,
    typer.Option("--ray-resource", help="NAME=AMOUNT of a worker's; several times.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_from(
    config: Path | None = None,
    *,
    manifesto: str | None = None,
    generator: str | None = None,
    judge: str | None = None,
    adapter: Path | None = None,
    base_url: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    identity: list[str] | None = None,
    identity_scale: float | None = None,
) -> Settings:
    """The settings with the flags that were given on top."""
    drafts = given(model=generator, temperature=temperature, max_tokens=max_tokens)
    judges = given(model=judge, adapter=adapter)
    worn = given(use=identity or None, scale=identity_scale)
    groups = {"generator": drafts, "judge": judges, "identity": worn}
    flags = given(manifesto=manifesto) | {name: group for name, group in groups.items() if group}
    settings = loaded(config, flags)
    refuse_idle_scale(settings, identity_scale)
    return served(settings, base_url, generator=generator, judge=judge)


def loaded(config: Path | None, flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings, with a note of each variable that was meant to be one."""
    flags = flags or {}
    settings = load_settings(config, flags)
    for variable in unused(Settings):
        note(f"note: {variable}")
    for role, group in flags.items():
        if not isinstance(group, dict) or "model" not in group:
            continue
        unnamed = {key: value for key, value in group.items() if key != "model"}
        try:
            before = load_settings(config, {**flags, role: unnamed})
        except SettingsError:  # what is typed stands in the place of something that could not be used
            continue
        settings = vendor_keys(settings, before)
    return settings


def refuse_idle_scale(settings: Settings, scale: float | None) -> None:
    """Raise `BadInput` for a scale where there is no adapter that it could be of."""
    if scale is not None and not set(settings.identity.use) - {"preprompt", "none"}:
        raise BadInput("--identity-scale: there is no adapter to apply: name one with --identity FILE")


def manifesto_from(settings: Settings, tell: Callable[[str], None] = note) -> Manifesto:
    """The manifesto of the settings, with what is worth a note of it told."""
    manifesto = load_manifesto(settings.manifesto, trusted=settings.trusted)
    for each in notes(manifesto, settings):
        tell(each)
    return manifesto


def notes(manifesto: Manifesto, settings: Settings) -> list[str]:
    """What its user should know: where its judge is known to be no better than chance, and what is left out."""
    found = []
    if judges_untrained(manifesto, settings):
        found.append(
            "note: some rules are judged by the embedded 135M model, which untrained is no better than chance; "
            "name a bigger one with --judge"
        )
    if strange := unfamiliar(manifesto, settings):
        found.append(
            f"note: the embedded 135M judge was trained for the default manifesto; on {', '.join(strange)} it may be "
            "little better than chance, above all where a rule demands something and does not forbid it: train it, or "
            "name a bigger one with --judge"
        )
    found += [
        f"note: calibrations of `{critic}` were fitted to {model}, which is not in use, and are left out; "
        "superego calibrate makes others"
        for critic, model in strangers(manifesto, settings)
    ]
    if unprobed(manifesto, settings):
        found.append("note: there is no probe for the model that judges; rules go by their other critics")
    return found

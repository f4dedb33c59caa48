"""What must be the same for a run to be gone on with, setting by setting, so that what is not can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.addresses import masked
from pipeline.assembly.conditions import NO_SAY, SERVED, addresses, asks_servers, files_of
from pipeline.llama import weights_print
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings

_ELSEWHERE = ("trusted", "parallel", "manifesto", "generator.model")
"""What does not change an answer; the manifesto and the model have facts of their own."""


def run_facts(own: Pipeline, settings: Settings, *, there: Settings | None = None) -> dict[str, Any]:
    """By names that are said where they differ. `there` are the settings with the paths that files have on this
    machine, where they were sent from another one."""
    return {
        "manifesto": f"{own.manifesto.name} {own.manifesto.version} {own.manifesto.hash[:12]}",
        "model": own.generator.name if own.generator else "",
        "settings": _told(settings),
        "files": _files(there or settings),
    }


def _told(settings: Settings) -> dict[str, Any]:
    left_out = {*_ELSEWHERE, *(f"{group}.{key}" for group in SERVED for key in NO_SAY)}
    if not settings.deterministic:  # rounding depends on them, which matters only where runs must repeat
        left_out.add("threads")
    flat = _flat(settings.model_dump(mode="json", exclude={"server": True, "cache": True}))
    return {name: value for name, value in flat if name not in left_out}


def _flat(told: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, masked(value) if key == "base_url" and value else value


def _files(settings: Settings) -> dict[str, str]:
    """Digests of what is in the files that settings name, and of the addresses that only the environment has."""
    found = {f"file of {name}": "".join(map(weights_print, each)) for name, each in files_of(settings).items() if each}
    return {**found, "address in the environment": addresses()} if asks_servers(settings) else found

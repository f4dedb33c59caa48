"""Which files the settings mean by the names of models."""

from __future__ import annotations

from pathlib import Path

from pipeline.assembly import embedded
from pipeline.errors import SettingsError
from pipeline.settings import NO_ADAPTER, Settings


def judge_adapter(settings: Settings) -> Path | None:
    """The adapter that the judge is used with. Raises `SettingsError` for one that its model cannot take."""
    wanted, name = settings.judge.adapter, judge_name(settings)
    if wanted is None:
        return embedded.ADAPTER if name == "embedded" else None
    if wanted == NO_ADAPTER:
        return None
    if weights_of(name) is None:
        raise SettingsError(f"`judge.adapter` is for a model in a GGUF file, and {name!r} is not one")
    return wanted


def judge_borrowed(settings: Settings) -> bool:
    """Whether the judge has no model of its own, and so the generator's, with its server and key."""
    return settings.judge.model is None


def judge_name(settings: Settings) -> str:
    """The model that judges: its own, or the generator's."""
    return settings.judge.model or settings.generator.model


def probe_files(settings: Settings) -> list[Path]:
    """The probes for the judge's model: the one that is named, and for the embedded model the shipped one behind it."""
    shipped = embedded.PROBE if judge_name(settings) == "embedded" else None
    return [file for file in (settings.probe.file, shipped) if file]


def weights_of(name: str) -> Path | None:
    """The GGUF file that a model's name means, if it means one."""
    if name == "embedded":
        return embedded.weights()
    return Path(name).expanduser() if name.endswith(".gguf") and ":" not in name else None

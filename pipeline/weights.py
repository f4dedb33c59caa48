"""Which files the settings mean by the names of models."""

from __future__ import annotations

from pathlib import Path

from pipeline import embedded
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
    return wanted.expanduser()


def judge_name(settings: Settings) -> str:
    """The model that judges: its own, or the generator's."""
    return settings.judge.model or settings.generator.model


def weights_of(name: str) -> Path | None:
    """The GGUF file that a model's name means, if it means one."""
    if name == "embedded":
        return embedded.weights()
    return Path(name).expanduser() if name.endswith(".gguf") and ":" not in name else None

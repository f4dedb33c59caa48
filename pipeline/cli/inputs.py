"""What a command reads, and must not be written over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from critics import lineage
from pipeline.errors import BadInput
from pipeline.settings import Settings, find_upward
from pipeline.weights import weights_of


def refuse_over(path: Path, others: Iterable[Path | None]) -> None:
    """Raise `BadInput` for an output that is one of the others, by whatever name, before anything is computed."""
    if path.resolve() in {other.expanduser().resolve() for other in others if other}:
        raise BadInput(f"{path} is read or written here as well: write to another file")


def told_by(settings: Settings, config: Path | None) -> tuple[Path | None, ...]:
    """The files of the manifesto, of the settings and of the models that those name. What `critic train` makes is not
    among them: it may be made anew."""
    names = (settings.generator.model, settings.judge.model, settings.guard.model)
    models = (weights_of(name) for name in names if name and name != "embedded")
    return (*lineage(settings.manifesto), config or find_upward(Path.cwd()), *models)

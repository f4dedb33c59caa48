"""What a command reads, and must not be written over."""

from __future__ import annotations

from collections.abc import Iterable
from os.path import exists, samefile  # pathlib's raise for a name that is too long
from pathlib import Path

from critics import lineage
from pipeline.assembly.weights import weights_of
from pipeline.errors import BadInput
from pipeline.settings import Settings, find_upward


def refuse_over(path: Path, others: Iterable[Path | None]) -> None:
    """Raise `BadInput` for an output that is one of the others, by whatever name, or a folder with one of them in it,
    before anything is computed."""
    for other in (other.expanduser() for other in others if other):
        if path.resolve() == other.resolve() or (exists(path) and exists(other) and samefile(path, other)):
            raise BadInput(f"{path} is read or written here as well: write to another file")
        if path.resolve() in other.resolve().parents:
            raise BadInput(f"{path} holds {other.name}, which is read or written here as well: write to another place")


def told_by(settings: Settings, config: Path | None) -> tuple[Path | None, ...]:
    """The files of the manifesto, of the settings and of the models that those name. What `critic train` makes is not
    among them: it may be made anew."""
    names = (settings.generator.model, settings.judge.model, settings.guard.model)
    models = (weights_of(name) for name in names if name and name != "embedded")
    return (*lineage(settings.manifesto), config or find_upward(Path.cwd()), *models)

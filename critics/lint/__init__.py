"""Loading a manifesto that can work, and checking one in full."""

from __future__ import annotations

from critics.errors import Fault, ManifestoError
from critics.lint.examples import example_faults
from critics.lint.structure import BUILT_IN, structural_faults
from critics.manifesto.load import load_tree
from critics.manifesto.schema import DETERMINISTIC, Manifesto
from critics.patterns import PatternsCritic
from critics.personal_data import PersonalDataCritic

__all__ = ["BUILT_IN", "DETERMINISTIC", "check", "load"]


def load(name: str, *, trusted: tuple[str, ...] = ()) -> Manifesto:
    """A manifesto by shipped name or path, ready to be used.

    `trusted` are the `module:factory` names of critics that it may use. Raises `ManifestoError` with every fault.
    """
    loaded = load_tree(name)
    if faults := structural_faults(loaded, trusted):
        raise ManifestoError(faults)
    return loaded.manifesto


def check(name: str, *, trusted: tuple[str, ...] = (), guard: str | None = None) -> list[Fault]:
    """Every fault of a manifesto, sorted by place: its text, its schema, what cannot work, its misjudged examples.

    `guard` is the family of the configured guard model, empty where there is none, `None` where that is not known.
    """
    try:
        loaded = load_tree(name)
    except ManifestoError as exc:
        return sorted(exc.faults, key=_place)
    faults = structural_faults(loaded, trusted, guard)
    if not faults:
        faults = example_faults(loaded, {"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()})
    return sorted(faults, key=_place)


def _place(fault: Fault) -> tuple[str, int, int]:
    return fault.path, fault.line, fault.column

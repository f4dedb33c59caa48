"""Loading a manifesto that can work, and checking one in full."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from os import PathLike

from critics.critic import Critic
from critics.errors import Fault, ManifestoError
from critics.lint.examples import example_faults
from critics.lint.structure import BUILT_IN, manifesto_faults, rule_faults
from critics.manifesto.load import try_tree
from critics.manifesto.schema import DETERMINISTIC, Manifesto
from critics.patterns import PatternsCritic
from critics.personal_data import PersonalDataCritic

__all__ = ["BUILT_IN", "DETERMINISTIC", "check", "load"]


def load(name: str | PathLike[str], *, trusted: tuple[str, ...] = ()) -> Manifesto:
    """A manifesto by shipped name or path, ready to be used.

    `trusted` are the `module:factory` names of critics that it may use. Raises `ManifestoError` with every fault.
    """
    tried = try_tree(name)
    faults = [*tried.faults, *manifesto_faults(tried)]
    faults += [fault for rule in tried.rules() for fault in rule_faults(rule, trusted)]
    if faults or tried.loaded is None:
        raise ManifestoError(_sorted(faults))
    return tried.loaded.manifesto


def check(
    name: str | PathLike[str],
    *,
    trusted: tuple[str, ...] = (),
    guard: str | None = None,
    heads: Collection[str] | None = None,
) -> list[Fault]:
    """Every fault of a manifesto, sorted by place: its text, its schema, what cannot work, its misjudged examples.

    `guard` is the family of the configured guard model, empty where there is none, and `heads` are those of the probes
    that are configured; `None` where that is not known.
    """
    try:
        tried = try_tree(name)
    except ManifestoError as exc:
        return _sorted(exc.faults)
    faults = [*tried.faults, *manifesto_faults(tried)]
    critics: dict[str, Critic] = {"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()}
    for rule in tried.rules():
        faults += rule_faults(rule, trusted, guard, heads) or example_faults(rule, critics)
    return _sorted(faults)


def _sorted(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.place)

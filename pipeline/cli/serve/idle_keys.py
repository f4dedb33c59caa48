"""Keys for manifestos that nobody serves, as after a misspelling: their owner would be told of no such model."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from critics import did_you_mean
from pipeline.cli.terminal.reporting import note
from pipeline.settings.settings import KeySettings


def note_idle_keys(keys: Sequence[KeySettings], served: Collection[str]) -> None:
    """Say which manifestos the keys name that are not among those that are `served`."""
    for key in keys:
        for name in key.manifestos:
            if name not in served:
                meant = did_you_mean(name, sorted(served))
                note(f"note: the key {key.name!r} is for the manifesto {name!r}, which is not served{meant}")

"""Naming a find without repeating it: a critique goes back to the generator, and into the record."""

from __future__ import annotations

from collections.abc import Sequence

from critics.personal_data.hits import Hit
from critics.personal_data.kinds import KINDS

MOST = 10
"""Finds that are listed one by one."""


def critique(hits: Sequence[Hit]) -> str:
    """What was found and where, in a sentence. Places count characters from 0. Empty without hits."""
    if not hits:
        return ""
    named = [f"{KINDS[hit.kind].noun} ({masked(hit)}) at character {hit.span.start}" for hit in hits[:MOST]]
    rest = [f"{len(hits) - MOST} more"] if len(hits) > MOST else []
    return f"The text contains {_listed(named + rest)}."


def masked(hit: Hit) -> str:
    """The first and the last character; of an e-mail address, the first of each part and the end of the domain."""
    if hit.kind == "email":
        local, _, domain = hit.text.rpartition("@")
        return f"{local[:1]}…@{domain[:1]}….{domain.rpartition('.')[2]}"
    return f"{hit.text[:1]}…{hit.text[-1:]}"


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last

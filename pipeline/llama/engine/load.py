"""How engines share the threads of a process: what each wants to do next, and with how many it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Share(Enum):
    """How many of its threads an engine may compute with: all, all but one, one, or none for now."""

    ALL = "all"
    REST = "rest"
    ONE = "one"
    NONE = "none"

    def of(self, threads: int) -> int:
        """So many of that many."""
        if self is Share.ALL:
            return threads
        return max(1, threads - 1) if self is Share.REST else 1


@dataclass(frozen=True)
class Load:
    """What an engine wants to do next: whether anything at once, whether a thread less would do for it (or whether that
    is ending, so that nobody should begin beside it), whether it may be done in one thread beside another engine, and
    whether it can wait until nobody else has anything to do."""

    busy: bool = False
    spares: bool = False
    ending: bool = False
    apart: bool = False
    waits: bool = False

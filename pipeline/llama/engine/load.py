"""How engines share the threads of a process: what each wants to do next, and with how many it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Share(Enum):
    """How many of its threads an engine may compute with: all, by itself or so that others have their turns; all but
    one; one; or none for now."""

    ALL = "all"
    TURNS = "turns"
    REST = "rest"
    ONE = "one"
    NONE = "none"

    def of(self, threads: int) -> int:
        """So many of that many."""
        if self in (Share.ALL, Share.TURNS):
            return threads
        return max(1, threads - 1) if self is Share.REST else 1


@dataclass(frozen=True)
class Load:
    """What an engine wants to do next."""

    busy: bool = False
    """Whether anything, at once."""
    spares: bool = False
    """Whether a thread less would do for it."""
    ending: bool = False
    """Whether that is about to end."""
    apart: bool = False
    """Whether it may be done in one thread beside another engine."""
    waits: bool = False
    """Whether it can wait until nobody else has anything to do."""

    @property
    def lends(self) -> bool:
        """Whether somebody may begin beside it."""
        return self.busy and self.spares and not self.ending

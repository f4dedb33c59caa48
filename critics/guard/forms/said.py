"""What a guard model wrote, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from critics.errors import Unreadable
from critics.manifesto.schema import Side


@dataclass(frozen=True)
class Said:
    """The verdict's word in small letters, where in the text it stands, and the codes that were named with it."""

    word: str
    place: int
    codes: tuple[str, ...] = ()


Reader = Callable[[str, Side], Said]
"""Read an answer about one side of an exchange. Raises `Unreadable`."""


def unreadable(text: str) -> Unreadable:
    """The error for an answer that is not of its form."""
    return Unreadable(f"no verdict in {text[:80]!r}" if text.strip() else "the guard model wrote nothing")

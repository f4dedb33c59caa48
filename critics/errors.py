"""The lower room's errors.

CriticsError
├── ManifestoError      a manifesto cannot be used; carries every fault   (who edits the YAML)
├── ExtraMissing        an optional dependency is not installed           (who installs)
└── ModelError          the model behind a critic failed                  (turned into *undecided*)
    └── Unreadable      it answered, but not with a verdict that was offered
"""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from dataclasses import dataclass


class CriticsError(Exception):
    """Root of everything that this room raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, for another process: what it was made of is not what it says."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a manifesto, and where. Line and column count from 1."""

    path: str
    line: int
    column: int
    what: str

    @property
    def place(self) -> tuple[str, int, int]:
        """To sort by."""
        return self.path, self.line, self.column

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.what}"


class ManifestoError(CriticsError):
    """A manifesto that cannot be used; its text is one line a fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class ExtraMissing(CriticsError):
    """A critic, or another part of the kind named, needs an optional dependency that is not installed."""

    def __init__(self, name: str, extra: str, *, kind: str = "critic") -> None:
        super().__init__(f"the {kind} {name!r} needs an extra: pip install 'superego[{extra}]'")


class ModelError(CriticsError):
    """The model behind a critic failed: out of context, out of reach, out of time."""


class Unreadable(ModelError):
    """The model answered, but with none of the verdicts that it was offered."""

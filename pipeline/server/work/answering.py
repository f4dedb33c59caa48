"""What is followed: an answer under way, or one that was decided before anything was drafted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipeline.outcome import Outcome


class Answering(Protocol):
    """As `pipeline.answer.Answer`."""

    def __iter__(self) -> Iterator[str]: ...

    @property
    def outcome(self) -> Outcome: ...

    @property
    def shown(self) -> str: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


Start = Callable[[], Answering]
"""Called in a thread of the pool."""


@dataclass(frozen=True)
class Decided:
    """An outcome that needed no draft."""

    outcome: Outcome
    shown: str = ""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass

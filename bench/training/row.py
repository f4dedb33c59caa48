"""A row of training data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What the user says, the reply (none where what the user says is judged) and which statements are broken."""

    source: str
    text: str
    response: str
    labels: Mapping[str, int]

    def record(self) -> dict[str, Any]:
        return asdict(self)

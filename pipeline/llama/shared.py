"""What two runs of tokens have in common."""

from __future__ import annotations

from collections.abc import Sequence


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two runs have in common from the start."""
    shorter = min(len(first), len(second))
    if first[:shorter] == second[:shorter]:
        return shorter
    return next(i for i in range(shorter) if first[i] != second[i])

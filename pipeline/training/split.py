"""Rows to learn from and rows to check with, so that no row to check with nearly repeats one that was learnt from."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from pipeline.near_duplicates import near_duplicates

T = TypeVar("T")

_LARGEST = 20
"""A group of near-duplicates is held out only if it is no larger than the held-out rows' share by this number."""


def split(items: Sequence[T], texts: Sequence[str], *, held: float, seed: int) -> tuple[list[T], list[T]]:
    """`items` to learn from, and about a share of `held` to check with. `texts` tell which are alike."""
    group = near_duplicates([""] * len(texts), texts)
    sizes = Counter(group)
    numbers = sorted(sizes)
    random.Random(seed).shuffle(numbers)
    chosen: set[int] = set()
    wanted = held * len(items)
    for number in numbers:
        if sizes[number] <= max(1, held * len(items) / _LARGEST) and sizes[number] <= wanted:
            chosen.add(number)
            wanted -= sizes[number]
    learnt = [item for item, number in zip(items, group, strict=True) if number not in chosen]
    return learnt, [item for item, number in zip(items, group, strict=True) if number in chosen]

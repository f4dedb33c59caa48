"""Rows to learn from and rows to check with, so that no row to check with nearly repeats one that was learnt from."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.near_duplicates import near_duplicates
from pipeline.training.rows import Row

_MANY, _FEW = 20, 4
"""A group of rows that belong together is held out only if it is no larger than the held-out rows' share by the first
number; by the second where the first leaves out most rows, because prompts have many replies."""

_DRAWS = 20
"""Until both sides have both labels, one of which may be rare."""


@dataclass(frozen=True)
class Split:
    """Places of rows to learn from and of those `held` out. `prompts_apart` says that no prompt is on both sides."""

    learnt: list[int]
    held: list[int]
    prompts_apart: bool


def split(rows: Sequence[Row], *, held: float, seed: int) -> Split:
    """About a share of `held` is held out, the same each time.

    Replies to one prompt stay together, as near-duplicates do: who knows the prompt may know the label. Where a few
    prompts have most rows, or no draw gives both labels to both sides, near-duplicates alone do.
    """
    texts, share = [row.text for row in rows], held * len(rows)
    together = near_duplicates([row.prompt for row in rows], texts)
    alone = near_duplicates([""] * len(texts), texts)
    sides = _drawn(alone, share, random.Random(seed), largest=share / _MANY)
    for largest in (share / _MANY, share / _FEW):
        draw = random.Random(seed)
        for _ in range(_DRAWS if _most_fit(together, largest) else 0):
            apart = _drawn(together, share, draw, largest=largest)
            if all(_both_labels(rows, side) for side in apart):
                return Split(*apart, prompts_apart=True)
    learnt, kept = ({together[place] for place in side} for side in sides)
    return Split(*sides, prompts_apart=learnt.isdisjoint(kept))


def _most_fit(group: Sequence[int], largest: float) -> bool:
    """Whether most rows are in groups that may be held out."""
    return 2 * sum(size for size in Counter(group).values() if size <= max(1, largest)) >= len(group)


def _drawn(group: Sequence[int], share: float, draw: random.Random, *, largest: float) -> tuple[list[int], list[int]]:
    sizes = Counter(group)
    numbers = sorted(sizes)
    draw.shuffle(numbers)
    chosen: set[int] = set()
    for number in numbers:
        if sizes[number] <= min(max(1, largest), share):
            chosen.add(number)
            share -= sizes[number]
    learnt = [place for place, number in enumerate(group) if number not in chosen]
    return learnt, [place for place, number in enumerate(group) if number in chosen]


def _both_labels(rows: Sequence[Row], places: Sequence[int]) -> bool:
    return len({broken for place in places for broken in rows[place].labels.values()}) == 2

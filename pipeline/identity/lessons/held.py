"""Prompts to learn from and prompts to check with, none of which nearly repeats one that is learnt from."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pipeline.errors import BadInput
from pipeline.near_duplicates import near_duplicates

HELD = 24
"""Prompts at most that are held out, of many."""

_SHARE = 5
"""One in so many is held out, of few."""

_KINDS = 4
"""A kind that is more than one in so many of those wanted is held out only where others are too few."""


def held_out(prompts: Sequence[str], *, seed: int) -> tuple[list[str], list[str]]:
    """Those to learn from, and those to check with. What is nearly the same is on one side. Raises `BadInput` where all
    is."""
    groups: dict[int, list[str]] = {}
    for prompt, number in zip(prompts, near_duplicates([""] * len(prompts), prompts), strict=True):
        groups.setdefault(number, []).append(prompt)
    kinds = list(groups.values())
    if len(kinds) < 2:
        raise BadInput(
            f"these {len(prompts)} prompts nearly repeat one another, so that none can be held out: give others as well"
        )
    random.Random(seed).shuffle(kinds)
    wanted = max(1, min(HELD, len(prompts) // _SHARE))
    kinds.sort(key=lambda kind: len(kind) > wanted // _KINDS)
    held = list[str]()
    for kind in kinds:
        if len(held) + len(kind) <= wanted:
            held += kind
    held = held or min(kinds, key=len)
    return [prompt for prompt in prompts if prompt not in held], held

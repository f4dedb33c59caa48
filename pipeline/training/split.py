"""Rows to learn from and rows to check with, so that no row to check with nearly repeats one that was learnt from."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_HASHES = 32
_BANDS = 8
_WORD = re.compile(r"\w+")


def groups(texts: Sequence[str]) -> list[int]:
    """A number for each text; near-duplicates have the same.

    MinHash over runs of three words, in bands (Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3): of
    texts that share 80 % of their runs, 97 % meet; of those that share 30 %, 6 %.
    """
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    seen: dict[tuple[int, tuple[int, ...]], int] = {}
    for index, text in enumerate(texts):
        for band in _bands(text):
            parent[root(index)] = root(seen.setdefault(band, index))
    return [root(index) for index in range(len(texts))]


def split(items: Sequence[T], texts: Sequence[str], *, held: float, seed: int) -> tuple[list[T], list[T]]:
    """`items` to learn from, and about a share of `held` to check with. `texts` tell which are alike."""
    group = groups(texts)
    numbers = sorted(set(group))
    random.Random(seed).shuffle(numbers)
    chosen: set[int] = set()
    sizes = dict.fromkeys(numbers, 0)
    for number in group:
        sizes[number] += 1
    wanted = held * len(items)
    for number in numbers:
        if sizes[number] <= max(1, wanted / 20) and wanted >= sizes[number]:
            chosen.add(number)
            wanted -= sizes[number]
    learnt = [item for item, number in zip(items, group, strict=True) if number not in chosen]
    return learnt, [item for item, number in zip(items, group, strict=True) if number in chosen]


def _bands(text: str) -> list[tuple[int, tuple[int, ...]]]:
    words = _WORD.findall(text.lower())
    runs = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
    hashes = [zlib.crc32(run.encode()) for run in runs]
    least = [min((h * a + b) % _PRIME for h in hashes) for a, b in _FACTORS]
    rows = _HASHES // _BANDS
    return [(band, tuple(least[band * rows : (band + 1) * rows])) for band in range(_BANDS)]


_PRIME = (1 << 61) - 1
_FACTORS = [(random.Random(i).randrange(1, _PRIME), random.Random(-i - 1).randrange(_PRIME)) for i in range(_HASHES)]

"""Rounds that alternate between what is compared, so that a noisy machine is unfair to all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Side = Callable[[int], float]
"""One of the things that are compared: does its work in round `i` and gives the seconds that it took."""

ROUNDS = 5


@dataclass(frozen=True)
class Spread:
    """Of several runs of one measurement. `runs` is how many."""

    median: float
    min: float
    max: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        median, low, high = (round(float(value), 4) for value in (statistics.median(values), min(values), max(values)))
        return cls(median, low, high, len(values))


@dataclass(frozen=True)
class Measured:
    """`rows` are results by name; `details` say what they were made of."""

    rows: Mapping[str, Spread]
    details: Mapping[str, object]


def alternating(sides: Mapping[str, Side], rounds: int, *, first: int = 0) -> dict[str, list[float]]:
    """Seconds of each side in each round: A B C A B C. Rounds count from `first`."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(first, first + rounds):
        for name, side in sides.items():
            seconds[name].append(side(number))
    return seconds


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]


def took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def spreads(seconds: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    return {name: Spread.of(values) for name, values in seconds.items()}

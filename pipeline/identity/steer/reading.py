"""Probes as sequences that are read together, and where their answers lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.forward import Ints, Stream
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.weights import Array, GgufLlama


@dataclass(frozen=True)
class End:
    """Of one sequence: its last row, and how many rows it has behind the shared prefix."""

    last: int
    length: int


@dataclass(frozen=True)
class Reading:
    stream: Stream
    ends: tuple[End, ...]


def read_alike(weights: GgufLlama, probes: Sequence[Probe], prompts: Sequence[Sequence[int]]) -> Reading:
    """The prompts with their answers behind them, embedded. What all begin with is there once."""
    whole = [(*prompt, *probe.answer) for prompt, probe in zip(prompts, probes, strict=True)]
    shared = _shared(prompts)
    stream = embedded(weights, whole[0][:shared], [ids[shared:] for ids in whole])
    ends = tuple(End(begin + length - 1, length) for begin, length in zip(stream.starts, stream.lengths, strict=True))
    return Reading(stream, ends)


def embedded(weights: GgufLlama, before: Sequence[int], texts: Sequence[Sequence[int] | Ints]) -> Stream:
    """Texts that are yet to be read, all behind `before`."""
    stream = Stream(len(before), [len(text) for text in texts], weights.shape)
    stream.hidden = weights.embedded(np.concatenate([before, *texts]).astype(np.intp))
    return stream


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all begin with, short of a whole prompt."""
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if first[n] != last[n]), most)


def matched(told: Reading, untold: Reading, probes: Sequence[Probe], asked: float) -> tuple[Ints, Ints, Array]:
    """Rows of both that hold the same token after the same question, and how much each counts, a user's `asked`."""
    rows: list[tuple[int, int, float]] = []
    for probe, end, other in zip(probes, told.ends, untold.ends, strict=True):
        alike = len(probe.answer) + _alike_from_end(probe.told, probe.plain)
        alike = min(alike, end.length, other.length)
        for back in range(1, alike + 1):
            # The last row predicts what nobody wrote; from the one before the answer on, rows predict the answer.
            counts = 1.0 if 1 < back <= len(probe.answer) + 1 else asked
            rows.append((end.last - back + 1, other.last - back + 1, counts))
    first, second, counts_ = zip(*rows, strict=True)
    return np.asarray(first), np.asarray(second), np.asarray(counts_, np.float32)


def _alike_from_end(first: Sequence[int], second: Sequence[int]) -> int:
    most = min(len(first), len(second))
    return next((n for n in range(most) if first[-1 - n] != second[-1 - n]), most)

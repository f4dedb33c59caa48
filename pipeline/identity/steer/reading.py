"""Probes as sequences that are read together, and where their answers lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.forward import Ints, Stream
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.weights import GgufLlama


@dataclass(frozen=True)
class End:
    """Of one sequence: its last row, and how many rows it has behind the shared prefix."""

    last: int
    length: int


@dataclass(frozen=True)
class Reading:
    """`answered` are the rows after which a token of an answer comes, in the order of the probes."""

    stream: Stream
    ends: tuple[End, ...]
    answered: Ints


def read_alike(weights: GgufLlama, probes: Sequence[Probe], prompts: Sequence[Sequence[int]]) -> Reading:
    """The prompts with their answers behind them, embedded. What all begin with is there once."""
    whole = [(*prompt, *probe.answer) for prompt, probe in zip(prompts, probes, strict=True)]
    shared = _shared(prompts)
    stream = Stream(shared, [len(ids) - shared for ids in whole], weights.shape)
    flat = [*whole[0][:shared], *(token for ids in whole for token in ids[shared:])]
    stream.hidden = weights.embedded(np.asarray(flat))
    ends = tuple(End(begin + length - 1, length) for begin, length in zip(stream.starts, stream.lengths, strict=True))
    answered = [np.arange(end.last - len(probe.answer), end.last) for probe, end in zip(probes, ends, strict=True)]
    return Reading(stream, ends, np.concatenate(answered))


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all begin with, short of a whole prompt."""
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if first[n] != last[n]), most)

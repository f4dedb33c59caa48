"""How fast a model reads and writes here, and how well it predicts a text."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.llama.engine.device import Row
from pipeline.llama.engine.llama_device import BATCH, OUTPUTS, LlamaDevice
from pipeline.llama.engine.requests import Sampling

_WRITTEN = 48


def reading_speed(device: LlamaDevice, ids: Sequence[int], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Tokens a second, by the clock, when reading `ids` into an empty cache."""
    device.clear()
    began = clock()
    _read(device, ids)
    return len(ids) / (clock() - began)


def writing_speed(device: LlamaDevice, ids: Sequence[int]) -> float:
    """Tokens a second when writing greedily after `ids`, not counting the reading of them."""
    device.clear()
    index = _read(device, ids)
    sampler = device.sampler(Sampling())
    began = time.perf_counter()
    for position in range(len(ids), len(ids) + _WRITTEN):
        device.decode([Row(sampler.pick(index), position, 0, True)])
        index = 0
    speed = _WRITTEN / (time.perf_counter() - began)
    sampler.close()
    return speed


def perplexity(device: LlamaDevice, ids: Sequence[int]) -> float:
    """exp of the mean negative log-probability of each token of `ids` after those before it; lower is better."""
    device.clear()
    surprises = []
    for start in range(0, len(ids) - 1, OUTPUTS):
        part = ids[start : start + OUTPUTS]
        device.decode([Row(token, start + i, 0, True) for i, token in enumerate(part)])
        surprises += [
            -np.log(device.probabilities(i)[target]) for i, target in enumerate(ids[start + 1 : start + 1 + len(part)])
        ]
    device.clear()
    return float(np.exp(np.mean(surprises)))


def _read(device: LlamaDevice, ids: Sequence[int]) -> int:
    """The index of the last row, after which comes what is written."""
    index = 0
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        rows = [Row(token, start + i, 0, start + i == len(ids) - 1) for i, token in enumerate(part)]
        device.decode(rows)
        index = len(rows) - 1
    return index

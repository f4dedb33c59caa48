"""From a manifesto's probes to a change of the weights, in closed form, a layer after the other.

The model that is told the manifesto and the one that is not read the same answers. Where the chat template puts enough
before a question, its tokens are made to hold what the told one has of the manifesto (told.py). Otherwise each layer is
made to add a part of what the untold one lacks there (lacking.py). No gradient is taken: it is linear regression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.forward import Patches, Stream, rms
from pipeline.identity.steer.gate import Gate, divergence, surprise
from pipeline.identity.steer.lacking import Lacking
from pipeline.identity.steer.plan import Plan
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import Reading, embedded, read_alike
from pipeline.identity.steer.told import Holding, can_hold
from pipeline.identity.steer.weights import Array, GgufLlama

Changes = Mapping[int, Patches]
"""By layer."""


@dataclass(frozen=True)
class Fitted:
    changes: Changes
    gate: Gate


def fit(
    weights: GgufLlama,
    probes: Sequence[Probe],
    held: Sequence[Probe],
    neutral: Sequence[int],
    plan: Plan,
    *,
    start: Changes | None = None,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> Fitted:
    """Change the weights, gone on from `start`, and measure on the `held` probes and the `neutral` text."""
    told = read_alike(weights, probes, [probe.told for probe in probes])
    untold = read_alike(weights, probes, [probe.plain for probe in probes])
    checked = [read_alike(weights, held, [probe.told for probe in held])]
    checked += [read_alike(weights, held, [probe.plain for probe in held]) for _ in range(2)]
    texts = [embedded(weights, (), [neutral]) for _ in range(2)]
    solver: Callable[[int, Mapping[str, Array]], Patches]
    if can_hold(plan, told, untold, probes[0], start):
        solver = Holding(weights, plan, told, untold, probes)
    else:
        solver = Lacking(plan, told, untold, probes, start or {})
    changes = dict(start or {})
    for number in range(weights.shape.layers):
        layer = weights.layer(number)
        for stream in (checked[0].stream, checked[1].stream, texts[0]):
            stream.through(layer)
        if patches := solver(number, layer):
            changes[number] = patches
        for stream in (checked[2].stream, texts[1]):
            stream.through(layer, patches)
        stepped(number + 1, weights.shape.layers)
    return Fitted(changes, _gate(weights, checked, texts, neutral))


def _gate(weights: GgufLlama, checked: Sequence[Reading], texts: Sequence[Stream], neutral: Sequence[int]) -> Gate:
    norm, matrix = weights.head()

    def scores(hidden: Array) -> Array:
        return np.asarray(rms(hidden, norm, weights.shape.epsilon) @ matrix.T)

    told, plain, steered = (reading.stream.hidden[reading.answered] for reading in checked)
    before, after = (surprise(scores, stream.hidden, neutral) for stream in texts)
    return Gate(divergence(scores, told, plain), divergence(scores, told, steered), before, after)

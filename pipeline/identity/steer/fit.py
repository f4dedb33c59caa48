"""From a manifesto's probes to a change of the weights, in closed form, a layer after the other.

The model that is told the manifesto and the one that is not read the same answers. Where the chat template puts enough
before a question, some of its tokens are made to hold what the told one has of the manifesto (told.py). Otherwise each
layer is made to add a part of what the untold one lacks there (lacking.py). No gradient is taken: it is linear
regression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.identity.steer.forward import Patches
from pipeline.identity.steer.lacking import Lacking
from pipeline.identity.steer.plan import Plan
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import read_alike
from pipeline.identity.steer.told import MARKED, Holding, can_hold
from pipeline.identity.steer.weights import Array, GgufLlama

Changes = Mapping[int, Patches]
"""By layer."""


def fit(
    weights: GgufLlama,
    probes: Sequence[Probe],
    plan: Plan,
    *,
    start: Changes | None = None,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> Changes:
    """How the weights are to be changed, gone on from `start`."""
    told = read_alike(weights, probes, [probe.told for probe in probes])
    untold = read_alike(weights, probes, [probe.plain for probe in probes])
    solver: Callable[[int, Mapping[str, Array]], Patches]
    if can_hold(plan, told, untold, probes[0], start):
        solver = Holding(weights, plan, told, untold, probes)
    else:
        solver = Lacking(plan, told, untold, probes, start or {})
    changes = dict(start or {})
    # Behind the last that is changed there is nothing to solve.
    layers = weights.shape.layers
    if plan.layers is not None:
        layers = min(layers, max((MARKED, *plan.layers)) + 1)
    for number in range(layers):
        if patches := solver(number, weights.layer(number)):
            changes[number] = patches
        stepped(number + 1, layers)
    return changes

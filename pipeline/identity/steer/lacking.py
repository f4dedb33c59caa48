"""How what a model is told comes to be added to what it holds, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.identity.steer.forward import Patches
from pipeline.identity.steer.plan import Plan
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import Reading, matched
from pipeline.identity.steer.solve import ridge
from pipeline.identity.steer.weights import Array

MATRIX = "ffn_down"


class Lacking:
    """The untold one lacks something of what the told one holds; each layer's `ffn_down` is changed so that it adds a
    part of that."""

    def __init__(
        self,
        plan: Plan,
        told: Reading,
        untold: Reading,
        probes: Sequence[Probe],
        start: Mapping[int, Patches],
    ) -> None:
        self._plan = plan
        self._told, self._learner = told.stream, untold.stream
        self._rows_told, self._rows, counts = matched(told, untold, probes, plan.asked)
        self._start = start
        # What all prompts begin with should stay as it is; the first token above all, to which every other attends.
        before = self._learner.prefix
        self._inputs = np.concatenate([np.arange(before), self._rows])
        self._counts = np.concatenate([np.full(before, plan.shared, np.float32), counts])

    def __call__(self, number: int, layer: Mapping[str, Array]) -> Patches:
        """The changes of this layer; both have gone through it."""
        learner, plan, patches = self._learner, self._plan, self._start.get(number, {})
        self._told.through(layer)
        inputs = learner.through(layer, patches)
        if not plan.changes(number):
            return patches
        wanted = self._told.hidden[self._rows_told]
        missing = wanted - learner.hidden[self._rows]
        stays = np.zeros((learner.prefix, missing.shape[1]), np.float32)
        whole = new = ridge(
            inputs[self._inputs], np.concatenate([stays, missing]), self._counts,
            penalty=plan.penalty, rank=plan.rank, spread=wanted.std(axis=0) + np.float32(1e-6), unmeasured=len(stays),
        ).scaled(plan.step)  # fmt: skip
        if MATRIX in patches:
            whole = patches[MATRIX].beside(new)
            learner.hidden -= patches[MATRIX](inputs)
        if plan.most is not None:
            whole = whole.truncated(plan.most)
        learner.hidden += whole(inputs)
        return {MATRIX: whole}

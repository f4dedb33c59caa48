"""From a manifesto's probes to a change of the weights, in closed form, a layer after the other.

The model that is told the manifesto and the one that is not read the same answers. At each layer the untold one,
whose earlier layers are changed already, lacks something of what the other holds; the layer's `ffn_down` is changed so
that it adds a part of that. No gradient is taken: it is linear regression, 30 times for 30 layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.forward import Ints, Stream, rms
from pipeline.identity.steer.gate import Gate, divergence, surprise
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import Reading, read_alike
from pipeline.identity.steer.solve import Patch, ridge
from pipeline.identity.steer.weights import Array, GgufLlama

MATRIX = "ffn_down"

Patches = Mapping[int, Patch]
"""By layer."""


@dataclass(frozen=True)
class Plan:
    """How it is fitted.

    `step` is which part of what is missing each layer adds, `penalty` that of the ridge in units of the inputs' mean
    square: both keep it from learning its probes by heart (docs/identity.md). `asked` is how much a token of the
    user's counts beside one of the answer, `shared` one that all prompts begin with. `layers` are all when not given.
    `most` is what a layer's rank may come to where a patch is gone on from.
    """

    rank: int = 64
    step: float = 0.6
    penalty: float = 10.0
    asked: float = 0.5
    shared: float = 4.0
    layers: frozenset[int] | None = None
    most: int | None = None


@dataclass(frozen=True)
class Fitted:
    patches: Patches
    gate: Gate


def fit(
    weights: GgufLlama,
    probes: Sequence[Probe],
    held: Sequence[Probe],
    neutral: Sequence[int],
    plan: Plan,
    *,
    start: Patches | None = None,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> Fitted:
    """Change the weights, gone on from `start`, and measure on the `held` probes and the `neutral` text."""
    patches = dict(start or {})
    told = read_alike(weights, probes, [probe.told for probe in probes])
    untold = read_alike(weights, probes, [probe.plain for probe in probes])
    checked = [read_alike(weights, held, [probe.told for probe in held])]
    checked += [read_alike(weights, held, [probe.plain for probe in held]) for _ in range(2)]
    texts = [_text(weights, neutral) for _ in range(2)]
    rows_told, rows_untold, counts = _matched(told, untold, probes, plan.asked)
    # What all prompts begin with should stay as it is; the first token above all, to which every other attends.
    rows = np.concatenate([np.arange(untold.stream.prefix), rows_untold])
    counts = np.concatenate([np.full(untold.stream.prefix, plan.shared, np.float32), counts])
    for number in range(weights.shape.layers):
        layer = weights.layer(number)
        for stream in (told.stream, checked[0].stream, checked[1].stream, texts[0]):
            _through(stream, layer, None)
        learner, patch = untold.stream, patches.get(number)
        inputs = _through(learner, layer, patch)
        changed = [(stream, _through(stream, layer, patch)) for stream in (checked[2].stream, texts[1])]
        if plan.layers is None or number in plan.layers:
            wanted = told.stream.hidden[rows_told]
            missing = wanted - learner.hidden[rows_untold]
            stays = np.zeros((untold.stream.prefix, missing.shape[1]), np.float32)
            new = ridge(
                inputs[rows], np.concatenate([stays, missing]), counts,
                penalty=plan.penalty, rank=plan.rank, spread=wanted.std(axis=0) + np.float32(1e-6),
                unmeasured=len(stays),
            ).scaled(plan.step)  # fmt: skip
            whole = patch.beside(new) if patch else new
            if plan.most is not None:
                whole = whole.truncated(plan.most)
            for stream, came in ((learner, inputs), *changed):
                stream.hidden += whole(came) - patch(came) if patch else whole(came)
            patches[number] = whole
        stepped(number + 1, weights.shape.layers)
    return Fitted(patches, _gate(weights, checked, texts, neutral))


def _through(stream: Stream, layer: Mapping[str, Array], patch: Patch | None) -> Array:
    """One layer on; gives what came into its `ffn_down`."""
    stream.hidden += stream.attended(layer) @ layer["attn_output"].T
    inputs = stream.activated(layer)
    stream.hidden += inputs @ layer[MATRIX].T
    if patch is not None:
        stream.hidden += patch(inputs)
    return inputs


def _matched(told: Reading, untold: Reading, probes: Sequence[Probe], asked: float) -> tuple[Ints, Ints, Array]:
    """Rows of both that hold the same token after the same question, and how much each counts."""
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


def _text(weights: GgufLlama, ids: Sequence[int]) -> Stream:
    stream = Stream(0, [len(ids)], weights.shape)
    stream.hidden = weights.embedded(np.asarray(ids))
    return stream


def _gate(weights: GgufLlama, checked: Sequence[Reading], texts: Sequence[Stream], neutral: Sequence[int]) -> Gate:
    norm, matrix = weights.head()

    def scores(hidden: Array) -> Array:
        return np.asarray(rms(hidden, norm, weights.shape.epsilon) @ matrix.T)

    told, plain, steered = (reading.stream.hidden[reading.answered] for reading in checked)
    before, after = (surprise(scores, stream.hidden, neutral) for stream in texts)
    return Gate(divergence(scores, told, plain), divergence(scores, told, steered), before, after)

"""How what a model is told before a question comes to be held by the tokens that every prompt begins with.

Later tokens find what was told in the cells of the cache, and nowhere else. The tokens of the chat template before a
question have cells too, which hold little. So the cells of the told are condensed to a few, and the matrices that make
keys and values are changed for as many of these tokens alone, so that they make those cells (marks.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.identity.steer.cells import Asked, Cells, condensed
from pipeline.identity.steer.forward import Ints, Patches, Stream
from pipeline.identity.steer.heads import Heads, Own, turned
from pipeline.identity.steer.marks import Inputs, addresses, quiet, switches
from pipeline.identity.steer.others import bare, mistakable
from pipeline.identity.steer.plan import Plan
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import Reading, matched, read_alike
from pipeline.identity.steer.solve import Patch
from pipeline.identity.steer.weights import Array, GgufLlama, Shape

LEAST = 2
"""Tokens of a system message of its own that a template must have for this. With fewer it was never tried."""

MARKED = 1
"""The layer that marks these tokens. Earlier ones tell them from others badly; later ones do without what is told."""

_LOUD = 24.0
"""The size of a mark, over that of what a token holds there."""

_SOME = 16
"""Probes that show what tokens hold."""


class Holding:
    """Makes the last few tokens of the template's own message hold what the told one has before its questions."""

    def __init__(self, weights: GgufLlama, plan: Plan, told: Reading, untold: Reading, probes: Sequence[Probe]) -> None:
        self._plan = plan
        self._told, self._learner = told.stream, untold.stream
        first, second, _ = matched(told, untold, probes, plan.asked)
        before = probes[0].plain[: self._learner.prefix]
        head, tail = template(probes[0].told[: self._told.prefix], before)
        free = np.arange(head, len(before) - tail)[-plan.cells :]
        source = slice(head, self._told.prefix - tail)
        self._alike = Alike(first, second, len(probes[0].told) - len(probes[0].plain), source, free)
        self._bare = bare(weights, probes)
        self._mistakable = mistakable(weights, probes, before, np.asarray(before)[free])
        some = probes[:: max(1, len(probes) // _SOME)]
        untouched = (bare(weights, probes), read_alike(weights, some, [probe.plain for probe in some]).stream)
        self._quiet = quiet(_gram(weights, untouched), len(free))

    def __call__(self, number: int, layer: Mapping[str, Array]) -> Patches:
        """The changes of this layer; both have gone through it."""
        told, learner = self._told, self._learner
        heads = told.projected(told.normal(layer), layer)
        wanted = told.mixed(heads, told.own(heads), *told.prefixed(heads))
        told.hidden = told.hidden + wanted @ layer["attn_output"].T
        patches: dict[str, Patch] = {}
        if number > MARKED and self._plan.changes(number):
            patches |= held(learner, self._bare, layer, Taught(heads, wanted), self._alike)
        followed = [learner, self._bare, *([self._mistakable] if number <= MARKED else ())]
        for stream in followed:
            stream.attend(layer, patches)
        if number == MARKED:
            patches |= marked(learner, told, (self._bare, self._mistakable), layer, self._quiet, self._alike)
        told.feed(layer)
        for stream in followed:
            stream.feed(layer, patches)
        return patches


def can_hold(plan: Plan, told: Reading, untold: Reading, probe: Probe, start: object) -> bool:
    """Whether the template puts enough before a question, and as many tokens are told as are to hold it."""
    before = probe.told[: told.stream.prefix], probe.plain[: untold.stream.prefix]
    free = len(before[1]) - sum(template(*before))
    whole = len(before[0]) - sum(template(*before))
    return plan.cells > 0 and not start and free >= LEAST and whole >= min(free, plan.cells)


@dataclass(frozen=True)
class Alike:
    """Rows of the told and of the learner that hold the same token, and by how many places they lie apart. `source` are
    the rows of the told one's system message, `free` those of the template's own that are made to hold it."""

    told: Ints
    learner: Ints
    apart: int
    source: slice
    free: Ints


def template(told: Sequence[int], plain: Sequence[int]) -> tuple[int, int]:
    """How many tokens both begin with, and how many both end with."""
    most = min(len(told), len(plain)) - 1
    head = next((n for n in range(most) if told[n] != plain[n]), most)
    tail = next((n for n in range(most - head) if told[-1 - n] != plain[-1 - n]), most - head)
    return head, tail


def marked(
    learner: Stream, told: Stream, others: Sequence[Stream], weights: Mapping[str, Array], quiet: Array, alike: Alike
) -> dict[str, Patch]:
    """Changes of the layer MARKED, which adds these `quiet` directions, a row for each of the tokens."""
    before = learner.prefix
    rows, busy = learner.fed(weights), learner.activated(weights)
    rest = [rows[before:], told.fed(weights)[alike.source.start :]]
    rest += [stream.fed(weights)[stream.prefix :] for stream in others]
    inputs = Inputs(rows[alike.free], np.delete(rows[:before], alike.free, axis=0), np.concatenate(rest))
    size = np.median(np.linalg.norm(learner.hidden[before:], axis=1)) * np.float32(_LOUD)
    return switches(weights, inputs, np.sqrt(np.square(busy[before:]).mean(axis=0)), size * quiet)


def _gram(weights: GgufLlama, streams: Sequence[Stream]) -> Array:
    """Read these as the model is; gives the gram matrix of what tokens hold, each of size one, over all layers."""
    gram = np.zeros(2 * [streams[0].hidden.shape[1]], np.float32)
    for number in range(weights.shape.layers):
        layer = weights.layer(number)
        for stream in streams:
            stream.through(layer)
            rows = stream.hidden[stream.prefix :]
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            gram += rows.T @ rows
    return gram


@dataclass(frozen=True)
class Taught:
    """Of the told one: its heads at a layer, and what comes into `attn_output`."""

    heads: Heads
    wanted: Array


def held(learner: Stream, bare: Stream, weights: Mapping[str, Array], told: Taught, alike: Alike) -> dict[str, Patch]:
    """Changes of a layer's `attn_k` and `attn_v`."""
    before, shape = learner.prefix, learner.shape
    normal = learner.normal(weights)
    heads = learner.projected(normal, weights)
    own = learner.own(heads)
    keys, values = heads.k[:before].copy(), heads.v[:before].copy()
    free, kept = alike.free, np.setdiff1d(np.arange(before), alike.free)
    nearer = _turn(-np.full(1, alike.apart), shape)
    for number in range(shape.kv_heads):
        asked = _asked(heads, own, told.wanted, alike, number, shape).beside(
            Cells(keys[kept, number], values[kept, number])
        )
        whole = Cells(turned(told.heads.k[alike.source, [number]], *nearer)[:, 0], told.heads.v[alike.source, number])
        few = condensed(whole, len(free), asked)
        keys[free, number], values[free, number] = few.keys, few.values
    change = turned(keys - heads.k[:before], *_turn(-np.arange(before), shape)).reshape(before, -1)[free]
    added = (values - heads.v[:before]).reshape(before, -1)[free]
    others = np.concatenate([normal[before:], bare.normal(weights)])
    rows = addresses(Inputs(normal[free], normal[kept], others))
    return {"attn_k": Patch(rows, np.ascontiguousarray(change.T)), "attn_v": Patch(rows, np.ascontiguousarray(added.T))}


def _asked(heads: Heads, own: Own, wanted: Array, alike: Alike, number: int, shape: Shape) -> Asked:
    """By all the heads that share these cells."""
    group = shape.heads // shape.kv_heads
    mine = slice(number * group, (number + 1) * group)
    should = wanted.reshape(len(wanted), shape.heads, shape.head)[alike.told, mine]
    rows = alike.learner
    return Asked(
        heads.q[rows, mine].reshape(-1, shape.head), own.mass[rows, mine].reshape(-1),
        own.mean[rows, mine].reshape(-1, shape.head), should.reshape(-1, shape.head),
    )  # fmt: skip


def _turn(places: Ints, shape: Shape) -> tuple[Array, Array]:
    angles = places[:, None, None].astype(np.float32) * shape.frequencies
    return np.cos(angles), np.sin(angles)

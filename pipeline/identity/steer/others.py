"""Tokens that a change for the template's tokens must leave alone, beside those of the probes.

Some come from no chat: answers by themselves, as a text that is only gone on with. Others are there to be mistaken: the
marked words amid other text, and tokens drawn from the whole vocabulary, most of which no probe has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.identity.steer.forward import Ints, Stream
from pipeline.identity.steer.probes import Probe
from pipeline.identity.steer.reading import embedded
from pipeline.identity.steer.weights import GgufLlama

_SEED = 5
_MISTAKABLE = 0.1
"""Of the tokens of a probe, those that a word of the template takes the place of."""
_DRAWN = 64
_LENGTH = 100
_BARE = 64
"""Answers that are read by themselves, at most."""


def bare(weights: GgufLlama, probes: Sequence[Probe]) -> Stream:
    """Answers, each a text by itself."""
    return embedded(weights, (), [np.asarray(probe.answer) for probe in probes[:: max(1, len(probes) // _BARE)]])


def mistakable(weights: GgufLlama, probes: Sequence[Probe], before: Sequence[int], words: Ints) -> Stream:
    """Behind `before`, which is what all prompts begin with: the probes with some of its `words` among theirs, and
    sequences of tokens at random."""
    random = np.random.default_rng(_SEED)
    texts: list[Ints] = []
    for probe in probes:
        ids = np.asarray([*probe.plain[len(before) :], *probe.answer])
        texts.append(np.where(random.random(len(ids)) < _MISTAKABLE, random.choice(words, len(ids)), ids))
    texts += list(random.integers(weights.shape.vocabulary, size=(_DRAWN, _LENGTH)))
    return embedded(weights, before, texts)

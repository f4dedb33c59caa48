"""Tokens that are told from all others, and marked."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.identity.steer.marks import Inputs, addresses, quiet, switches
from pipeline.identity.steer.weights import Array

INPUTS, OUTPUTS, HIDDEN, COUNT = 48, 24, 96, 5
SHAPES = {"ffn_gate": (HIDDEN, INPUTS), "ffn_up": (HIDDEN, INPUTS), "ffn_down": (OUTPUTS, HIDDEN)}


def drawn(seed: int) -> tuple[Array, Array, Array, Array]:
    """Some tokens, the first, others that were seen, and others that were not. One input is much the same for all, as
    with every model's, and stands for a bias."""
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(n, INPUTS)).astype(np.float32) for n in (COUNT, 1, 2000, 500)]
    for some in rows:
        some[:, 0] += 4
    return tuple(rows)  # type: ignore[return-value]  # four of them


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_an_address_is_a_tokens_own(seed: int) -> None:
    """One for it, nought for its like, and little for others."""
    tokens, first, others, unseen = drawn(seed)
    rows = addresses(Inputs(tokens, first, others))
    assert np.allclose(rows @ tokens.T, np.eye(COUNT), atol=1e-3)
    assert np.sqrt(np.square(unseen @ rows.T).mean()) < 0.3


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_a_switch_adds_its_mark_and_nothing_to_others(seed: int) -> None:
    """A linear map would add some to all: it is the gate that shuts. The layer does what it did otherwise."""
    tokens, first, others, unseen = drawn(seed)
    rng = np.random.default_rng(seed)
    layer: dict[str, Array] = {name: (rng.normal(size=shape) / 7).astype(np.float32) for name, shape in SHAPES.items()}
    busy = np.r_[np.zeros(COUNT), np.ones(HIDDEN - COUNT)].astype(np.float32)
    layer["ffn_down"][:, :COUNT] = 0  # units that do nothing
    marks = 30 * quiet(np.diag(np.arange(OUTPUTS, dtype=np.float32)), COUNT)
    patches = switches(layer, Inputs(tokens, first, others), busy, marks)

    def through(x: Array, changed: bool) -> Array:
        gate, up = (x @ layer[n].T + (patches[n](x) if changed else 0) for n in ("ffn_gate", "ffn_up"))
        inner = gate / (1 + np.exp(np.minimum(-gate, 80))) * up
        return np.asarray(inner @ layer["ffn_down"].T + (patches["ffn_down"](inner) if changed else 0))

    added = through(tokens, True) - through(tokens, False)
    assert np.allclose(added, marks, atol=0.5)
    elsewhere = through(unseen, True) - through(unseen, False)
    assert np.median(np.abs(elsewhere)) < 1e-3


def test_a_switch_stays_off_for_what_looks_like_its_token() -> None:
    """The same word in another place is near it, and differs by what its place gives it. Few come out on the wrong side
    even of those that were not seen, where least squares alone has many."""
    rng = np.random.default_rng(3)
    tokens, first, others, _ = drawn(3)
    like: Array = tokens[rng.integers(COUNT, size=400)] + (rng.normal(size=(400, INPUTS)) / 3).astype(np.float32)
    like[:, 1] += 3
    layer: dict[str, Array] = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    inputs = Inputs(tokens, first, np.concatenate([others, like[:300]]))
    patches = switches(layer, inputs, np.zeros(HIDDEN, np.float32), np.eye(COUNT, OUTPUTS, dtype=np.float32))

    def gates(x: Array) -> Array:
        return np.asarray(x @ patches["ffn_gate"].a.T)

    assert np.diag(gates(tokens)).min() > 10
    assert (gates(inputs.others) > 0).mean() < 0.005
    assert (gates(like[300:]).max(axis=1) > 0).mean() < 0.1


def test_quiet_directions_are_those_with_least() -> None:
    """Of a gram matrix."""
    gram = np.diag(np.asarray([5, 1, 9, 2], np.float32))
    assert np.allclose(np.abs(quiet(gram, 2)).sum(axis=0), [0, 1, 0, 1])

"""Ridge regression of reduced rank."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.identity.steer.solve import Patch, ridge
from pipeline.identity.steer.weights import Array


def made(seed: int, rows: int = 80, inputs: int = 12, outputs: int = 6, rank: int = 2) -> tuple[Array, Array]:
    """Inputs, and outputs that are a change of that rank of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs)).astype(np.float32)
    change = rng.normal(size=(outputs, rank)) @ rng.normal(size=(rank, inputs))
    return x, (x @ change.T).astype(np.float32)


def error(patch: Patch, x: Array, d: Array) -> float:
    return float(np.square(patch(x) - d).sum())


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_what_is_there_is_found(seed: int) -> None:
    """A change of rank two is found by a fit of rank two."""
    x, d = made(seed)
    assert error(ridge(x, d, np.ones(len(x), np.float32), penalty=0, rank=2), x, d) < 1e-3 * float(np.square(d).sum())


@given(st.integers(0, 1000), st.floats(0.1, 100))
@settings(max_examples=25)
def test_a_penalty_shrinks(seed: int, penalty: float) -> None:
    """The more, the smaller what is added."""
    x, d = made(seed)
    ones = np.ones(len(x), np.float32)
    less, more = (ridge(x, d, ones, penalty=p, rank=6)(x) for p in (penalty, 2 * penalty))
    assert np.linalg.norm(more) < np.linalg.norm(less) < np.linalg.norm(d) * 1.001


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_a_truncated_fit_is_the_best_of_its_rank_on_these_inputs(seed: int) -> None:
    """No worse than the nearest matrix of that rank, which knows nothing of the inputs."""
    x, d = made(seed, rank=6)
    x = x * np.linspace(0.1, 5, x.shape[1], dtype=np.float32)
    ones = np.ones(len(x), np.float32)
    whole = ridge(x, d, ones, penalty=1e-3, rank=6)
    reduced = ridge(x, d, ones, penalty=1e-3, rank=2)
    assert len(reduced.a) == 2
    assert error(reduced, x, whole(x)) <= error(whole.truncated(2), x, whole(x)) * 1.001


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_a_row_that_does_not_count_changes_nothing(seed: int) -> None:
    """Weighted by nothing, it might as well not be there."""
    x, d = made(seed)
    counts = np.ones(len(x), np.float32)
    counts[40:] = 0
    some, half = ridge(x, d, counts, penalty=1, rank=6), ridge(x[:40], d[:40], counts[:40], penalty=1, rank=6)
    assert np.allclose(some(x), half(x), atol=1e-2)


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_the_rank_goes_to_what_is_large_for_its_spread(seed: int) -> None:
    """An output a thousand times as large as others has all of a low rank, unless each is measured by itself."""
    x, d = made(seed, rank=6)
    d[:, 0] *= 1000
    ones = np.ones(len(x), np.float32)
    plain = ridge(x, d, ones, penalty=1e-3, rank=2)
    fair = ridge(x, d, ones, penalty=1e-3, rank=2, spread=d.std(axis=0))
    assert error(fair, x, d) >= error(plain, x, d) * 0.999
    relative = [float(np.square((patch(x) - d) / d.std(axis=0)).sum()) for patch in (plain, fair)]
    assert relative[1] <= relative[0] * 1.001


def test_beside_is_both_and_truncating_keeps_what_fits() -> None:
    """Two changes of rank two are one of rank four, which loses nothing at four."""
    x, d = made(1)
    one = ridge(x, d, np.ones(len(x), np.float32), penalty=1, rank=2)
    both = one.beside(one.scaled(0.5))
    assert np.allclose(both(x), 1.5 * one(x), atol=1e-3)
    assert np.allclose(both.truncated(2)(x), both(x), atol=1e-2)

"""Cells of the cache condensed to fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.identity.steer.cells import Asked, Cells, condensed, grouped
from pipeline.identity.steer.weights import Array

WIDTH = 8


def made(seed: int, count: int, queries: int = 300) -> tuple[Cells, Asked]:
    """Cells, and queries that find them beside something else."""
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(size=(n, WIDTH)).astype(np.float32) for n in (count, count, queries, queries)]
    asked = Asked(drawn[2], rng.normal(size=queries).astype(np.float32), drawn[3], drawn[3])
    cells = Cells(drawn[0], drawn[1])
    return cells, Asked(asked.queries, asked.mass, asked.mean, asked.beside(cells).mean)


def error(cells: Cells, asked: Asked) -> float:
    """Of what is found, in units of what the cells do to it."""
    found, without = asked.beside(cells).mean, asked.mean
    return float(np.square(found - asked.wanted).sum() / np.square(without - asked.wanted).sum())


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_cells_that_are_alike_become_one_that_gives_the_same(seed: int) -> None:
    """Each of four is there three times: four hold it all, with three times the mass."""
    few, asked = made(seed, 4)
    thrice = Cells(np.repeat(few.keys, 3, axis=0), np.repeat(few.values, 3, axis=0))
    asked = Asked(asked.queries, asked.mass, asked.mean, asked.beside(thrice).mean)
    assert error(condensed(thrice, 4, asked), asked) < 0.02


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_more_cells_hold_more(seed: int) -> None:
    """Of thirty that have nothing in common, two hold less than twenty do."""
    cells, asked = made(seed, 30)
    assert error(condensed(cells, 20, asked), asked) < error(condensed(cells, 2, asked), asked) < 1


@given(st.integers(0, 1000), st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_there_are_as_many_as_were_asked_for(seed: int, count: int) -> None:
    """No group is empty."""
    cells, asked = made(seed, 12)
    weight: Array = np.random.default_rng(seed).uniform(0.1, 1, 12).astype(np.float32)
    assert set(grouped(cells.keys, weight, asked.queries, count)) == set(range(count))
    assert condensed(cells, count, asked).keys.shape == (count, WIDTH)


def test_what_is_found_beside_cells_is_what_attention_finds() -> None:
    """Scores over all, in one softmax."""
    cells, asked = made(1, 5)
    one = Cells(asked.queries[:1] * 0 + 1, asked.mean[:1])
    scores = np.concatenate([asked.queries @ cells.keys.T, asked.queries @ one.keys.T], axis=1)
    share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    alone = Asked(asked.queries, scores[:, -1], np.repeat(one.values, len(scores), axis=0), asked.wanted)
    assert alone.beside(cells).mean == pytest.approx(share @ np.concatenate([cells.values, one.values]), abs=1e-5)

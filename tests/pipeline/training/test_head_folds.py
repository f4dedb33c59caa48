"""How strongly a head's weights are held down."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.training.heads import _fitted


def test_copies_of_a_row_do_not_vouch_for_what_was_learnt_by_heart() -> None:
    """Nothing can be learnt of these rows but from their own copies; known from those, weights would be large."""
    rng = np.random.default_rng(0)
    rows, times = 30, 6
    states = np.repeat(rng.normal(size=(rows, 40)), times, axis=0).astype(np.float32)
    broken = np.repeat(rng.random(rows) < 0.5, times)
    groups = np.repeat(np.arange(rows), times).tolist()
    apart, loose = (_fitted(states, broken, alike, seed=0) for alike in (groups, list(range(rows * times))))
    assert np.abs(apart.weights).max() < np.abs(loose.weights).max() / 20


def test_what_has_one_label_is_no_fold() -> None:
    """Six prompts with most replies to two of them: five folds would have one without a breach, which has no score, and
    nothing would be learnt."""
    counts = [(149, 18), (19, 10), (10, 3), (300, 74), (2, 2), (5, 0)]  # replies to a prompt, and breaches of these
    groups = np.repeat(np.arange(len(counts)), [replies for replies, _ in counts]).tolist()
    broken = np.concatenate([np.arange(replies) < breaches for replies, breaches in counts])
    states = np.random.default_rng(0).normal(size=(len(broken), 4)).astype(np.float32)
    states[:, 0] += 4 * broken
    assert np.abs(_fitted(states, broken, groups, seed=0).weights).max() > 0.5


@pytest.mark.parametrize("alike", [[0] * 40, [0] * 20 + list(range(1, 21))], ids=["all", "those of one label"])
def test_where_too_few_are_apart_rows_are(alike: list[int]) -> None:
    """Rows that are all known from one another are in one fold, and the others would have none of their label."""
    states = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    states[:20, 0], states[20:, 0] = 1 + abs(states[:20, 0]), -1 - abs(states[20:, 0])
    head = _fitted(states, states[:, 0] > 0, alike, seed=0)
    assert head(states[0]) > 0.5 > head(states[-1])

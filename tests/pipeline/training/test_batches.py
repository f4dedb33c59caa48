"""What each step learns from."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.training.adapted import Plan, _batches
from pipeline.training.lora import _AT_ONCE, _readable


@pytest.mark.parametrize(("rows", "epochs"), [(3, 2), (9, 8), (20, 8), (60, 3), (300, 2)])
def test_every_row_is_learnt_from_once_an_epoch(rows: int, epochs: int) -> None:
    """However few there are, and in another order each time."""
    plan = Plan(epochs=epochs)
    steps = plan.steps(rows)
    found = _batches([5] * rows, plan.batch, steps, seed=0)
    assert len(found) == steps
    each = steps // epochs
    for epoch in range(epochs):
        batches = found[epoch * each : (epoch + 1) * each]
        assert Counter(row for batch in batches for row in batch) == Counter(range(rows))
    assert found[:each] != found[each : 2 * each]


def test_what_is_read_at_once_is_as_much_as_memory_was_meant_for() -> None:
    """As many as learnt from where they are short, fewer where they are long, and every one once."""
    lengths = [100, 5000, 300, 2000, 1500, *[90] * 12]
    found = list(_readable(lengths, 8))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    assert max(map(len, found)) == 8
    assert [1] in found
    assert all(len(batch) * max(lengths[i] for i in batch) <= _AT_ONCE for batch in found if len(batch) > 1)

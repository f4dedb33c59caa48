"""Many writings, so many at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.errors import ModelBusy
from pipeline.llama.engine import Writing
from pipeline.llama.waiting import in_turn


def test_so_many_are_under_way_and_none_is_left_behind() -> None:
    """They come in the order in which they were begun. What is left, and what was begun where one could not be, is
    cancelled."""
    begun: list[Writing] = []

    def writings(most: int) -> Iterator[Writing]:
        for _ in range(most):
            begun.append(Writing())
            yield begun[-1]
        raise ModelBusy("no place")

    turns = in_turn(writings(9), 3)
    assert [next(turns), next(turns)] == begun[:2]
    assert len(begun) == 4
    turns.close()
    assert [writing.cancelled() for writing in begun] == [False, True, True, True]
    begun.clear()
    with pytest.raises(ModelBusy):
        next(in_turn(writings(2), 3))
    assert all(writing.cancelled() for writing in begun)

"""The same work for several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tuning.side_by_side import Cancelled, in_turn, side_by_side


def test_what_is_done_first_comes_first() -> None:
    """Nobody waits for the slow one."""
    go = threading.Event()
    done = side_by_side(lambda i: i != 0 or go.wait(30), [0, 1, 2], workers=2, stop=threading.Event())
    assert {next(done)[0], next(done)[0]} == {1, 2}
    go.set()
    assert next(done) == (0, True)


def test_once_it_is_stopped_nobody_waits() -> None:
    """Not even for what never ends."""
    stop, never = threading.Event(), threading.Event()

    def work(item: int) -> bool:
        stop.set()
        return never.wait(60)

    done = side_by_side(work, [1], workers=1, stop=stop)
    with pytest.raises(Cancelled):
        next(done)
    never.set()


def test_what_comes_as_it_is_stopped_is_not_given() -> None:
    """It may be half of what was to be done."""
    stop = threading.Event()

    def work(item: int) -> int:
        time.sleep(0.01)  # so that it is waited for by then
        stop.set()
        return item

    with pytest.raises(Cancelled):
        next(side_by_side(work, [1], workers=1, stop=stop))


def test_what_goes_wrong_is_raised() -> None:
    """Where it is waited for."""
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda i: 1 // i, [0], workers=1, stop=threading.Event()))


@given(st.permutations(range(6)))
def test_in_turn_each_comes_as_soon_as_all_before_it_are_done(order: list[int]) -> None:
    """Whatever is done first."""
    done: list[int] = []

    def doing() -> Iterator[tuple[int, int]]:
        for item in order:
            done.append(item)
            yield item, -item

    came = [(pair, len(done)) for pair in in_turn(doing(), range(6))]
    assert [pair for pair, _ in came] == [(item, -item) for item in range(6)]
    assert [at for _, at in came] == [1 + max(order.index(i) for i in range(item + 1)) for item in range(6)]

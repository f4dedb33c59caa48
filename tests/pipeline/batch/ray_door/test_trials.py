"""Who is to blame for a worker that died."""

from __future__ import annotations

from pipeline.batch import Given, Prompt, Task
from pipeline.batch.ray_door.trials import Trials


def task(position: int) -> Task:
    return Task(position, Given(position + 1, position, "", Prompt(())))


def test_in_company_nobody_is_to_blame() -> None:
    """However often a worker dies with several records, each is tried again as it was."""
    trials = Trials(tries=1)
    for _ in range(5):
        trials.lost([task(0), task(1)], "gone")
        assert [trials.take(), trials.take()] == [task(0), task(1)]
    assert not trials


def test_alone_it_is_after_so_many_times() -> None:
    """Then its fault stands in the place of what it asks, and says why the last one died."""
    trials = Trials(tries=2)
    trials.lost([task(7)], "first")
    assert trials.take() == task(7)
    trials.lost([task(7)], "out of memory")
    assert trials.take().given.asked == "it ended 2 workers, one after another: out of memory"


def test_a_record_that_is_done_has_a_clean_slate() -> None:
    """What it ended before does not count for another run of the same tries."""
    trials = Trials(tries=2)
    trials.lost([task(7)], "first")
    trials.done(trials.take())
    trials.lost([task(7)], "again")
    assert trials.take() == task(7)

"""Who gets what, without a cluster."""

from __future__ import annotations

from pipeline.batch import Given, Prompt, Supply, Task
from pipeline.batch.keeping.ordered import Done
from pipeline.batch.ray_door.member import Member
from pipeline.batch.ray_door.sharing import shared_out
from pipeline.batch.ray_door.trials import Trials


def task(position: int) -> Task:
    return Task(position, Given(position + 1, position, "", Prompt(())))


def share(members: list[Member], trials: Trials, *, tasks: int = 100, at_once: int = 4) -> list[tuple[int, int, bool]]:
    """Which member got which position, and whether alone."""
    supply, told = Supply(iter([task(position) for position in range(tasks)]), Done()), []
    for member, given, alone in shared_out(members, at_once, supply, trials):
        member.tasks[object()] = given
        told.append((members.index(member), given.position, alone))
    return told


def members(*loads: int) -> list[Member]:
    return [Member(None, None, tasks={object(): task(900 + number) for number in range(load)}) for load in loads]


def test_a_few_are_spread() -> None:
    """Fewer than one worker would take go to all workers alike, the least busy first."""
    crew = members(0, 2, 0)
    share(crew, Trials(), tasks=7)
    assert [len(member.tasks) for member in crew] == [3, 3, 3]


def test_none_gets_more_than_it_takes() -> None:
    """What is left over waits for room."""
    crew = members(3, 0)
    assert len(share(crew, Trials())) == 5
    assert [len(member.tasks) for member in crew] == [4, 4]


def test_what_has_to_be_tried_goes_to_the_empty() -> None:
    """One each, alone; the others get the usual, if nothing waits to be tried any more."""
    trials, crew = Trials(), members(0, 1)
    trials.lost([task(7)], "gone")
    assert share(crew, trials) == [(0, 7, True), (1, 0, False), (1, 1, False), (1, 2, False)]


def test_a_worker_is_kept_for_what_has_to_be_tried() -> None:
    """Where none is empty, the least busy one gets nothing more until it is."""
    trials, crew = Trials(), members(3, 1)
    trials.lost([task(7), task(8)], "gone")
    assert share(crew, trials) == [(0, 0, False)]
    assert trials

"""Which worker gets what."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.batch.ray_door.member import Member
from pipeline.batch.ray_door.trials import Trials
from pipeline.batch.task import Task
from pipeline.batch.working.runner import Supply


def shared_out(free: list[Member], at_once: int, supply: Supply, trials: Trials) -> Iterator[tuple[Member, Task, bool]]:
    """Members with a task for each, and whether it must be alone there; to be given before the next is asked for.

    The least busy one of the free gets one more, until all have enough. Those that are empty rather get what has to be
    tried by itself; while something waits to be, the least busy one gets nothing more, so that it will be empty.
    """
    free = sorted(free, key=_load)
    while trials and free and not free[0].tasks:
        yield free.pop(0), trials.take(), True
    rest = free[1:] if trials else free
    while rest and _load(member := min(rest, key=_load)) < at_once and (task := supply.take()) is not None:
        yield member, task, False


def _load(member: Member) -> int:
    return len(member.tasks)

"""Actors on the nodes of a Ray cluster. The journal stays with the run: a record is kept the moment it comes back.

Not Ray Data: its unit is a block, which comes back as a whole, in its own time, and is done anew as a whole; a record
that kills its worker would take the block down for ever. Plain actors are asked for a record at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from critics import Manifesto
from pipeline.batch.keeping import AHEAD
from pipeline.batch.ray_door.actor import Make
from pipeline.batch.ray_door.cluster import Cluster, Needs
from pipeline.batch.ray_door.crew import Crew
from pipeline.batch.ray_door.member import Came, Lost, Member
from pipeline.batch.ray_door.sending import Sending
from pipeline.batch.ray_door.sharing import shared_out
from pipeline.batch.ray_door.trials import Trials
from pipeline.batch.task import Task
from pipeline.batch.working.runner import LOOK, Results, Supply
from pipeline.errors import ModelFault

PATIENCE = 120.0
"""Seconds in which a cluster must have room for a worker: a new node may have to be started."""


class RayRunner:
    """`count` workers that answer `at_once` tasks each. Use as a context manager: it begins when one of them is there.

    `make` is called by each worker; `load` here, for the manifestos that records name, so that their files need not be
    on the nodes. A worker that dies, with its node or alone, is replaced, and what it had under way is done anew.
    Raises `ModelFault` where a worker cannot begin, and `ModelUnavailable` where the cluster has no room for any.
    """

    def __init__(
        self,
        cluster: Cluster,
        make: Make,
        *,
        load: Callable[[str], Manifesto],
        seed: int = 0,
        needs: Needs | None = None,
        count: int | None = None,
        at_once: int = 1,
        patience: float = PATIENCE,
    ) -> None:
        needs = needs or Needs()
        count = count or max(1, min(cluster.room(needs), AHEAD // at_once))
        self._crew = Crew(cluster, make, seed, needs, count=count, at_once=at_once, patience=patience)
        self._sending = Sending(load, cluster.ray.put)

    @property
    def workers(self) -> int:
        return self._crew.count * self._crew.at_once

    @property
    def facts(self) -> Mapping[str, Any]:
        """What holds for every worker."""
        return self._crew.facts or {}

    def __enter__(self) -> Self:
        self._crew.refuse_hopeless()
        try:
            while not self._crew.there:
                self._crew.fill()
                self._crew.wait()
        except BaseException:
            self._crew.leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.leave()

    def __call__(self, supply: Supply) -> Results:
        crew, trials, failed = self._crew, Trials(), None
        while True:
            if supply.stopped:
                trials.drop()
            else:
                crew.fill()
            for member, task, alone in shared_out(crew.free(), crew.at_once, supply, trials):
                self._give(member, task, alone)
            if not crew.busy and (supply.stopped or (crew.there and not trials)):
                if not supply.waits:
                    break
                time.sleep(LOOK)
                continue
            try:
                event = crew.wait()
            except ModelFault as exc:
                failed = failed or exc
                supply.stop()
                if not crew.there:
                    break
                continue
            if isinstance(event, Lost):
                trials.lost(event.tasks, event.why)
            elif isinstance(event, Came):
                trials.done(event.task)
                yield event.task, event.record
        if failed:
            raise failed

    def _give(self, member: Member, task: Task, alone: bool) -> None:
        sent, manifesto = self._sending(task)
        self._crew.give(member, sent, manifesto, alone=alone)

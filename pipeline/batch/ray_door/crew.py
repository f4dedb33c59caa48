"""The workers of a run: hired, asked, and replaced when they die, for as long as the cluster has room for some."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from pipeline.batch.keeping import changed
from pipeline.batch.ray_door.actor import BatchWorker, Make, OutOfReach, Placed, Ready, Refused, version
from pipeline.batch.ray_door.cluster import Cluster, Needs
from pipeline.batch.ray_door.member import Came, Lost, Member, reason
from pipeline.batch.task import Task
from pipeline.errors import ModelFault, ModelUnavailable

POLL = 1.0
"""Seconds after which it is looked whether there still is a worker."""
STILLBORN = 5
"""Workers that may die in a row before they are ready."""

_log = logging.getLogger("superego")


class Crew:
    """So many workers of these needs, each with so many tasks at a time. All are hired at once; those for which there
    is no room yet, or no more since a node died, come when there is. Without any for `patience` seconds it gives up."""

    def __init__(
        self, cluster: Cluster, make: Make, seed: int, needs: Needs, *, count: int, at_once: int, patience: float
    ) -> None:
        self.count = count
        self.at_once = at_once
        self.facts: dict[str, Any] | None = None
        self._cluster = cluster
        self._ray = cluster.ray
        self._needs = needs
        self._patience = patience
        self._stillborn = 0
        self._seen = time.monotonic()
        self._members: list[Member] = []
        self._hired = self._hiring(make, seed)

    def refuse_hopeless(self) -> None:
        """Raises `ModelUnavailable` where no worker will ever fit. A cluster of others may grow: there it is only
        said."""
        if self._cluster.room(self._needs):
            return
        short = f"each worker needs {self._needs}, and the nodes have: {self._cluster}"
        if self._cluster.own:
            raise ModelUnavailable(f"{short}; ask for less, or name a bigger cluster with --ray-address")
        _log.warning("%s; for %g seconds it is waited whether a bigger one comes", short, self._patience)

    def fill(self) -> None:
        """Hire whoever is missing."""
        while len(self._members) < self.count:
            handle = self._hired()
            self._members.append(Member(handle, handle.placed.remote()))

    def free(self) -> list[Member]:
        """Those that can be given something."""
        return [member for member in self._members if member.ready and not member.alone]

    @property
    def busy(self) -> bool:
        return any(member.tasks for member in self._members)

    @property
    def there(self) -> bool:
        """Whether a worker is ready."""
        return any(member.ready for member in self._members)

    def give(self, member: Member, task: Task, manifesto: Any, *, alone: bool) -> None:
        """Begin with a task there. `manifesto` is a reference to the one that its record names, or `None`."""
        member.alone = alone
        member.tasks[member.handle.answer.remote(task, manifesto)] = task

    def wait(self) -> Came | Lost | None:
        """The next thing that happens, if anything soon does.

        Raises `ModelFault` where a worker cannot begin, and `ModelUnavailable` where a model is out of reach, or where
        there has been no worker for too long.
        """
        whose = {member.arrival: member for member in self._members if not member.ready}
        whose |= {ref: member for member in self._members for ref in member.tasks}
        found, _ = self._ray.wait(list(whose), num_returns=1, timeout=POLL)
        if any(member.placed for member in self._members):
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > self._patience:
            raise ModelUnavailable(
                f"for {self._patience:g} seconds the cluster had no room for a worker: each needs {self._needs}, and "
                f"the nodes have: {self._cluster}"
            )
        return self._came(whose[found[0]], found[0]) if found else None

    def leave(self) -> None:
        """End all workers, and what is under way there."""
        for member in self._members:
            self._ray.kill(member.handle)
        self._members.clear()

    def _came(self, member: Member, ref: Any) -> Came | Lost | None:
        try:
            what = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as exc:
            if not member.ready:
                self._members.remove(member)
            member.tasks.pop(ref, None)
            raise ModelFault(f"a worker failed: {exc}") from exc
        except self._ray.exceptions.RayError as exc:
            return self._lost(member, exc)
        if not member.ready:
            self._members.remove(member)
            self._arrived(member, what)
            self._members.append(member)
            return None
        member.alone, task = False, member.tasks.pop(ref)
        if isinstance(what, OutOfReach):
            raise ModelUnavailable(what.why)
        return Came(task, what)

    def _lost(self, member: Member, exc: Exception) -> Lost:
        why = reason(exc)
        self._members.remove(member)
        self._ray.kill(member.handle)  # where it was only out of reach, nobody waits for it any more
        if not member.ready:
            self._stillborn += 1
            if self._stillborn >= STILLBORN:
                raise ModelFault(f"{STILLBORN} workers have died before they were ready; the last: {why}") from exc
        return Lost(list(member.tasks.values()), why)

    def _arrived(self, member: Member, said: Placed | Ready | Refused) -> None:
        if isinstance(said, Placed):
            if said.version != version():
                raise ModelFault(f"{said.node} has superego {said.version}, and this is {version()}: install the same")
            member.placed, member.arrival = True, member.handle.ready.remote()
            return
        if isinstance(said, Refused):
            raise ModelFault(f"a worker cannot begin on {said.why}")
        self.facts = self.facts or dict(said.facts)
        if other := changed(self.facts, said.facts):
            raise ModelFault(f"{said.node} has another {', '.join(other)} than the workers before it")
        member.ready = True
        self._stillborn = 0

    def _hiring(self, make: Make, seed: int) -> Callable[[], Any]:
        needs, made = self._needs, self._ray.put(make)
        actor = self._ray.remote(
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            resources=dict(needs.resources),
            max_restarts=0,
            max_concurrency=self.at_once,
            scheduling_strategy="SPREAD",
        )(BatchWorker)
        return lambda: actor.remote(made, seed)

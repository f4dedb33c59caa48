"""What works on a batch: threads of this process, or workers on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, Literal

import critics
from critics import Manifesto
from pipeline.assembly import Parts, asks_model, store_of
from pipeline.assembly.facts import run_facts
from pipeline.assembly.named import NamedPipelines
from pipeline.assembly.parcel import packed
from pipeline.batch import Answering, LocalRunner, Runner
from pipeline.batch.ray_door import Needs, RayRunner, connected
from pipeline.caching import Store
from pipeline.errors import BadInput
from pipeline.settings import Settings

Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class Work:
    """What is to be done, whoever does it: `at_once` records in every process, with a cache or without."""

    settings: Settings
    manifesto: Manifesto
    seed: int
    at_once: int
    cached: bool


@dataclass(frozen=True)
class RayFlags:
    """Which cluster, and what a worker is to have, as it was typed."""

    address: str | None
    workers: int | None
    cpus: float
    gpus: float
    resources: Sequence[str]


@dataclass(frozen=True)
class Working:
    """Who does it. `facts` are what must be the same for a run to be gone on with, whoever began it."""

    runner: Runner
    facts: Mapping[str, Any]
    store: Store | None = None

    def found(self) -> dict[str, int]:
        """What the cache had, where it is known."""
        return {kind: self.store.found[kind] for kind in ("drafts", "verdicts")} if self.store else {}


def working(work: Work, engine: Engine, flags: RayFlags) -> AbstractContextManager[Working]:
    """The engine that is asked for, for as long as it is needed. Raises `BadInput` for flags that cannot be used, and
    as `connected` and `RayRunner` do."""
    if engine == "ray":
        return _on_ray(work, flags)
    if flags.workers or flags.gpus or flags.resources:
        raise BadInput("--ray-workers, --ray-gpus and --ray-resource are for --engine ray")
    return _here(work)


@contextmanager
def _here(work: Work) -> Iterator[Working]:
    """Threads of this process."""
    settings = work.settings
    with ExitStack() as stack:
        store = store_of(settings) if work.cached else None
        if store:
            stack.enter_context(store)
        parts = Parts(settings, judged=asks_model(work.manifesto), store=store)
        own = stack.enter_context(parts.pipeline(work.manifesto))
        parts.tell_idle("and only records that name that one will wear it")
        answering = Answering(NamedPipelines(own, parts, settings), work.seed)
        yield Working(LocalRunner(answering, workers=work.at_once), run_facts(own, settings), store)


@contextmanager
def _on_ray(work: Work, flags: RayFlags) -> Iterator[Working]:
    """Workers on the nodes of a cluster; each node has a cache of its own."""
    needs = Needs(flags.cpus, flags.gpus, _amounts(flags.resources))
    make = packed(work.settings, work.manifesto, threads=max(1, ceil(needs.cpus)), cached=work.cached)
    with (
        connected(flags.address) as cluster,
        RayRunner(
            cluster,
            make,
            load=lambda name: critics.load(name, trusted=work.settings.trusted),
            seed=work.seed,
            needs=needs,
            count=flags.workers,
            at_once=work.at_once,
        ) as runner,
    ):
        yield Working(runner, runner.facts)


def _amounts(given: Sequence[str]) -> dict[str, float]:
    """`NAME=AMOUNT` each. Raises `BadInput`."""
    found = {}
    for each in given:
        name, _, amount = each.partition("=")
        try:
            found[name] = float(amount)
        except ValueError:
            found[name] = 0.0
        if not name or name in ("CPU", "GPU") or found[name] <= 0 or not isfinite(found[name]):
            raise BadInput(f"--ray-resource is NAME=AMOUNT, as in fast-disk=1, and not {each!r}")
    return found

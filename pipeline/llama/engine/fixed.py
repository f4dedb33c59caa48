"""What makes a job come out the same to the last bit, whatever was done before it.

Quantised arithmetic rounds by how many rows are read at once, and attention adds up in the order of the cells. So a job
is alone; it begins in an empty cache, and its prompt is read in the same chunks each time. A pinned prefix is read in
chunks of its own, and kept as bytes: brought back into an empty cache, it lies where it lay, bit by bit.
"""

from __future__ import annotations

from collections import OrderedDict

from pipeline.llama.engine.device import Device, Saved
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.requests import Adapters

_KEPT = 4
"""Prefixes: a judge has one for drafts and one for input."""


class FixedStart:
    """Starts jobs on a device of which each has all."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._kept: OrderedDict[tuple[Adapters, tuple[int, ...]], Saved] = OrderedDict()

    def begin(self, job: Job) -> None:
        """Give the job an empty cache, but for its pinned prefix if that is known."""
        self._device.clear()
        saved = self._kept.get(_key(job)) if job.pinned else None
        if saved is not None and self._device.restore(job.sequence, saved):
            job.position = job.reused = job.pinned

    def room(self, job: Job, room: int) -> int:
        """Rows that it may read now: no chunk goes over the end of what is pinned."""
        return min(room, job.pinned - job.position) if job.position < job.pinned else room

    def took(self, job: Job) -> None:
        """Keep the prefix once it has been read."""
        if not job.pinned or job.position != job.pinned or (key := _key(job)) in self._kept:
            return
        self._kept[key] = self._device.save(job.sequence)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _key(job: Job) -> tuple[Adapters, tuple[int, ...]]:
    return job.adapters, job.ids[: job.pinned]

"""What makes a job come out the same to the last bit, whatever was done before it.

Quantised arithmetic rounds by how many rows are read at once, and attention adds up in the order of the cells. So a job
is alone, and its cells lie one after the other. Its prompt is read in blocks that are counted from the end of what is
pinned: one by one or several in a batch, which rounds alike from `TILE` rows on, then what is left over. So whole
blocks that the last job has read can stay for the next one. A pinned prefix is kept as bytes: brought back into an
empty cache, it lies where it lay, bit by bit.
"""

from __future__ import annotations

from collections import OrderedDict

from pipeline.llama.engine.device import TILE, Device, Saved
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.requests import Adapters
from pipeline.llama.shared import common


class FixedStart:
    """Starts jobs on a device of which each has all."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._block = min(TILE, device.batch)
        self._kept: OrderedDict[tuple[Adapters, tuple[int, ...]], Saved] = OrderedDict()
        self._left: Job | None = None
        """The last job, whose sequence is in the cache."""

    def begin(self, job: Job) -> None:
        """Give the job the blocks of its prompt that are in the cache, else its pinned prefix if that is known."""
        known, self._left = self._known(job), None
        saved = self._kept.get(_key(job)) if known < job.pinned else None
        if saved is None and known and self._device.remove(job.sequence, known):
            job.position = job.reused = known
            return
        self._device.clear()
        if saved is not None:
            self._kept.move_to_end(_key(job))
        if saved is not None and self._device.restore(job.sequence, saved):
            job.position = job.reused = job.pinned

    def room(self, job: Job, *, briefly: bool) -> int:
        """Rows that it may read now, `briefly` no more than a block of them: no batch goes over the end of what is
        pinned, or has a part of a block before the last one. With that comes what follows the prompt, in full
        batches."""
        pinned = job.position < job.pinned
        left = (job.pinned if pinned else len(job.ids)) - job.position
        if left < self._block:
            return left if pinned else self._device.batch
        return min(self._block if briefly else self._device.batch, left) // self._block * self._block

    def took(self, job: Job) -> None:
        """Keep the prefix once it has been read, and of all prefixes those that were used last: half of the cells in
        all."""
        if not job.pinned or job.position != job.pinned or (key := _key(job)) in self._kept:
            return
        self._kept[key] = self._device.save(job.sequence)
        while sum(len(tokens) for _, tokens in self._kept) > self._device.cells // 2:
            self._kept.popitem(last=False)

    def left(self, job: Job) -> None:
        """Remember what the job leaves in the cache."""
        self._left = job

    def forget(self) -> None:
        """Nobody knows what the cache holds."""
        self._left = None

    def _known(self, job: Job) -> int:
        """Tokens of the job's prompt that are in the cache, in whole blocks of what is pinned or of what follows it."""
        left = self._left
        if left is None or (left.adapters, left.pinned) != (job.adapters, job.pinned):
            return 0
        same = min(common(left.ids, job.ids), left.position)
        begin = job.pinned if same >= job.pinned else 0
        return begin + (same - begin) // self._block * self._block


def _key(job: Job) -> tuple[Adapters, tuple[int, ...]]:
    return job.adapters, job.ids[: job.pinned]

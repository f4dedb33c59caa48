"""What makes a job come out the same to the last bit, whatever was done before it.

Quantised arithmetic rounds by how many rows are read at once, and attention adds up in the order of the cells. So a job
is alone, and its cells lie one after the other, in the order in which it reads. From `TILE` rows on all batches round
alike: so what follows the pinned prefix is read in such batches, and one that would have fewer rows is filled up with
rows that nobody asked for. So it does not matter where a batch begins, and what the last job has read can stay for the
next one. A pinned prefix is read by itself, in whole blocks and what is left over, and kept as bytes: brought back into
an empty cache, it lies where it lay, bit by bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import ModelFault
from pipeline.llama.engine.device import TILE, Device, Row, Saved
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.requests import Adapters
from pipeline.llama.shared import common


class FixedStart:
    """Starts jobs on a device of which each has all, but for the sequence `filler` and the cells to fill a tile."""

    def __init__(self, device: Device, filler: int) -> None:
        self._device = device
        self._filler = filler
        self._block = min(TILE, device.batch)
        self._kept: OrderedDict[tuple[Adapters, tuple[int, ...]], Saved] = OrderedDict()
        self._left: Job | None = None
        """The last job, whose sequence is in the cache."""

    def begin(self, job: Job) -> None:
        """Give the job what of its prompt is in the cache, else its pinned prefix if that is known."""
        known, self._left = self._known(job), None
        saved = self._kept.get(_key(job))
        if saved is not None:
            self._kept.move_to_end(_key(job))
        if known and (saved is None or known >= job.pinned) and self._device.remove(job.sequence, known):
            job.position = job.reused = known
            return
        self._device.clear()
        if saved is not None and self._device.restore(job.sequence, saved):
            job.position = job.reused = job.pinned

    def room(self, job: Job, share: Share) -> int:
        """Rows that it may read now, up to the end of what is pinned or behind it: what that leaves is at least a
        block, if it can. Two blocks are read at a time while somebody could be waiting, and with one thread a block, or
        what is less than two."""
        two = min(2 * self._block, self._device.batch)
        most = {Share.ALL: self._device.batch, Share.ONE: self._block}.get(share, two)
        if job.position < job.pinned:
            left = job.pinned - job.position
            return left if left < self._block else min(most, left) // self._block * self._block
        if job.remaining < 2 * self._block or job.remaining <= most:
            return max(most, two)
        return min(most, job.remaining - self._block)

    @contextmanager
    def filled(self, job: Job, rows: list[Row]) -> Iterator[list[Row]]:
        """The rows, and as many more as it takes to make a tile of them, for as long as it is entered. A row that is
        written is alone."""
        fill = job.position >= job.pinned and not job.urgent
        missing = max(0, self._block - len(rows)) if fill else 0
        yield rows + [Row(rows[0].token, place, self._filler, False) for place in range(missing)]
        if missing:
            self._device.remove(self._filler)

    @property
    def cells(self) -> int:
        """Those that jobs may take."""
        return self._device.cells - self._block

    def took(self, job: Job) -> None:
        """Keep the prefix once it has been read, and of all prefixes those that were used last: half of the cells in
        all."""
        if not job.pinned or job.position != job.pinned or (key := _key(job)) in self._kept:
            return
        try:
            self._kept[key] = self._device.save(job.sequence)
        except ModelFault:  # it is read again the next time
            return
        while sum(len(tokens) for _, tokens in self._kept) > self._device.cells // 2:
            self._kept.popitem(last=False)

    def left(self, job: Job) -> None:
        """Remember what the job leaves in the cache."""
        self._left = job

    def forget(self) -> None:
        """Nobody knows what the cache holds."""
        self._left = None

    def _known(self, job: Job) -> int:
        """Tokens of the job's prompt that are in the cache, of what is pinned in whole blocks."""
        left = self._left
        if self._device.recurs:  # the rows that filled up a tile were read apart: it was rounded as a shorter batch
            return 0
        if left is None or (left.adapters, left.pinned) != (job.adapters, job.pinned):
            return 0
        same = min(common(left.ids, job.ids), left.position)
        known = same if same >= job.pinned else same // self._block * self._block
        return known if self._device.cuttable or known == left.position else 0


def _key(job: Job) -> tuple[Adapters, tuple[int, ...]]:
    return job.adapters, job.ids[: job.pinned]

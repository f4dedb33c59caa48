"""Which rows are read next. Pure bookkeeping over a `Device`: no thread, no clock but the deadlines', no llama.cpp.

Continuous batching (Orca, OSDI 2022): jobs join and leave the batch at every step. A job starts only when all the cells
that it can need are free or idle, so no job that runs ever waits for another, and nothing can deadlock.
"""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count

from pipeline.errors import ContextOverflow, ModelFault
from pipeline.llama.engine.device import TILE, Device, Row, Saved
from pipeline.llama.engine.fixed import FixedStart
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.load import Load, Share
from pipeline.llama.engine.parting import Parting
from pipeline.llama.engine.prefixes import PrefixTree
from pipeline.llama.engine.requests import Adapters
from pipeline.llama.shared import common

CHUNK = 64
"""Rows of prompts that are read between two tokens of somebody who writes here: nearly as fast a row as a full batch,
and soon over."""

SHARED_READ = 32
"""Tokens: a job waits for another that is just reading so much of the same prompt."""

GRACE = 32
"""Rows that are read, of which at most `STRIDE` a step count, before a prefix that nobody uses leaves the cache: two
steps at least, so that a draft can be judged where it was written, and half a second beside somebody who writes."""

STRIDE = 16

SLICE = 256
"""Rows that are read of one prompt before those that came later may go first."""

PLANTED = 32
"""Prefixes from outside that are kept at a time; the oldest goes for the next one."""

PATIENCE = 32
"""Steps without a row that make up for a slice, so that no prompt waits for ever."""

_PLAIN: Adapters = ()
"""What is planted was read without any."""

Part = tuple[Job, list[Row]]
"""A job, and what it reads in a batch."""


@dataclass
class Counts:
    """What has been done since the start, in tokens."""

    read: int = 0
    reused: int = 0
    written: int = 0


class Scheduler:
    """Jobs over one device. `parallel` run at a time; `sequences` ids there are, for jobs, their branches, prefixes. Of
    prefixes that nobody uses, up to a quarter of the cells is kept outside.

    With `fixed`, one job runs at a time, and comes out the same to the last bit whatever was done before it.
    """

    def __init__(self, device: Device, *, parallel: int, sequences: int, fixed: bool = False) -> None:
        parallel = 1 if fixed else parallel
        if not 1 <= parallel <= sequences // 2 - 1:
            raise ValueError(f"{sequences} sequences do for 1 to {sequences // 2 - 1} jobs at a time, not {parallel}")
        self._device = device
        self._fixed = FixedStart(device, sequences - 1) if fixed else None
        self._free = list(range(parallel))
        branches = (sequences - parallel) // 2
        self._branches = list(range(parallel, parallel + branches))
        self._prefixes = range(parallel + branches, sequences - fixed)
        self._parting = Parting(device)
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._numbers = count()
        self._planted: dict[tuple[int, ...], Saved] = {}
        self.counts = Counts()
        self._tree = self._new_tree()

    @property
    def jobs(self) -> int:
        """How many wait or run."""
        return len(self._waiting) + len(self._running)

    @property
    def held(self) -> int:
        """Cells that are in use or kept for somebody."""
        return self._tree.cells + sum(job.reserved for job in self._running)

    def add(self, job: Job) -> None:
        """Let the job wait for its turn. One that could never start fails here, before it blocks those behind it."""
        cells = self._fixed.cells if self._fixed else self._device.cells
        if (needed := len(job.ids) + job.beyond) > cells:
            job.fail(ContextOverflow(f"{needed} cells are needed and there are {cells}"))
        else:
            job.number = next(self._numbers)
            self._waiting.append(job)

    def plant(self, tokens: tuple[int, ...], saved: Saved) -> None:
        """Let prompts that begin with `tokens` be read on from cells that were saved elsewhere."""
        self._planted.pop(tokens, None)  # what is planted again is the newest
        self._planted[tokens] = saved
        self._tree.plant(_PLAIN, tokens, saved)
        while len(self._planted) > PLANTED:
            oldest = next(iter(self._planted))
            del self._planted[oldest]
            self._tree.unplant(_PLAIN, oldest)

    @property
    def load(self) -> Load:
        """What the next step is like."""
        writing = [job for job in self._running if job.urgent]
        threads = self._device.threads
        # Of two batches, a thread each does more than both threads one after the other.
        spares = threads > 1 and writing[0].spares if len(writing) == 1 else threads == 2
        ending = spares and len(writing) == 1 and writing[0].ending
        apart = threads > 1 and self._fixed is not None and not writing
        waits = all(job.waits for job in (*self._running, *self._waiting))
        return Load(busy=self.jobs > 0, spares=spares, ending=ending, apart=apart, waits=waits)

    def step(self, share: Share = Share.ALL) -> None:
        """Let jobs join and leave; who writes gets a token, and a part of the prompts is read."""
        self.drop()
        self._admit()
        self._end_lanes()
        self._tree.trim(GRACE)
        if not self._running or (share is Share.ONE and any(job.urgent for job in self._running)):
            return  # a token is not written in one thread: the next load says so
        turn = self._turn()
        batches = self._plan(turn, share)
        # Other adapters are next, also where a job got no row: it may wait for branches that jobs with those hold.
        self._running = [job for job in self._running if job not in turn] + turn
        if not batches:
            return
        self._tree.now += min(sum(len(part) for batch in batches for _, part in batch), STRIDE)
        try:
            self._device.use(turn[0].applied)
        except ModelFault as exc:  # nothing has been read: only who wants these adapters has failed
            for job in turn:
                job.fail(exc)
                self._leave(job)
            return
        for batch in batches:
            try:
                self._decode(batch, share)
            except ModelFault as exc:
                self._reset(exc)
                return
            self._read(batch)

    def fail(self, error: Exception) -> None:
        """End every job, waiting or running."""
        for job in (*self._waiting, *self._running):
            job.fail(error)
        self._waiting.clear()
        for job in list(self._running):
            self._leave(job)

    def drop(self) -> None:
        """Let jobs go that nobody wants any more, or that are late, or give way."""
        if any(not job.waits for job in self._waiting):
            for job in [job for job in self._running if job.waits]:
                self._leave(job)  # what it has read stays for who begins alike
        for job in [job for job in (*self._waiting, *self._running) if job.cancelled() or job.late()]:
            if job.cancelled():
                job.fail(ModelFault("the request was cancelled"))  # for whoever still listens
            else:
                job.expire()
            if job in self._waiting:
                self._waiting.remove(job)
            self._leave(job)

    def _end_lanes(self) -> None:
        for job in self._parting.at_their_ends(self._running):
            if not self._parting.end(job):
                job.fail(ModelFault("what was written so far could not be kept"))
                self._leave(job)

    def _admit(self) -> None:
        seats = len(self._free)  # no more, though some leave theirs at once: meanwhile nobody gets a token
        for job in list(self._waiting):
            if not seats:
                return
            if self._soon_known(job):
                continue
            seats -= 1
            try:
                if not self._start(job):
                    return
            except ModelFault as exc:  # its own doing, as a grammar that does not compile
                self._leave(job)
                job.fail(exc)

    def _soon_known(self, job: Job) -> bool:
        """Whether somebody is just reading what this job would read too."""
        known = -1
        for other in self._running:
            if not other.reading or other.adapters != job.adapters:
                continue
            same = common(other.ids, job.ids)
            if not self._device.cuttable:  # only what is kept as a whole will be of use
                same = max(end for end in (0, other.pinned, len(other.ids)) if end <= same)
            if known < 0:
                known = self._tree.find(job.adapters, job.ids).end
            if same - known >= SHARED_READ:
                return True
        return False

    def _start(self, job: Job) -> bool:
        """Give the job a sequence over the longest known prefix, if there is room for all that it may need."""
        if self._fixed:
            return self._start_alone(job, self._fixed)
        tree = self._tree
        node = tree.find(job.adapters, job.ids)
        tree.lock(node)
        needed = len(job.ids) - node.end + tree.cost(node) + job.beyond
        # Behind what is idle each token takes longer, so who writes alone has it parked first: docs/performance.md.
        tree.make_room(tree.cells if job.writes and not self._running else needed - self._room())
        if self._room() < needed:
            tree.unlock(node)
            return False
        self._seat(job)
        job.reserved = needed - tree.cost(node)
        job.node = tree.attach(node, job.sequence)
        job.reserved = len(job.ids) - job.node.end + job.beyond
        job.position = job.reused = job.node.end
        self._begin(job)
        return True

    def _start_alone(self, job: Job, fixed: FixedStart) -> bool:
        self._seat(job)
        job.reserved = len(job.ids) + job.beyond
        self._branches.sort()  # the same ids as ever
        fixed.begin(job)
        self._begin(job)
        return True

    def _begin(self, job: Job) -> None:
        self.counts.reused += job.reused
        job.begin(self._device, self._branches)
        if job.done:  # all that it wants was known
            self._leave(job)

    def _seat(self, job: Job) -> None:
        self._waiting.remove(job)
        job.sequence = self._free.pop()
        self._running.append(job)

    def _room(self) -> int:
        return self._device.cells - self.held

    def _turn(self) -> list[Job]:
        """The jobs whose adapters are in force for the next batch: those of the job that has waited longest."""
        applied = self._running[0].applied
        return [job for job in self._running if job.applied == applied]

    def _plan(self, turn: list[Job], share: Share) -> list[list[Part]]:
        """Batches to be read now: of those who write in lanes, of the others who write, and of those who read. The last
        two are one where that is cheaper, below a tile."""
        if self._fixed:
            alone = self._parts(turn, self._fixed.room(turn[0], share), self._device.outputs)
            return [alone] if alone else []
        most, outputs = self._device.batch, self._device.outputs
        urgent = [job for job in turn if job.urgent]
        self._parting.give(urgent, self._running)
        apart = self._parts([job for job in urgent if job.parted], most, outputs)
        writing = self._parts([job for job in urgent if not job.parted], most, outputs)
        readers = sorted((job for job in turn if not job.urgent), key=_precedence)
        room = min(CHUNK, most) if writing or apart else most
        reading = self._parts(readers, room, outputs - len(writing))  # both may fit into one
        if writing and reading and len(writing) + sum(len(part) for _, part in reading) < min(TILE, most + 1):
            return [batch for batch in (apart, writing + reading) if batch]
        return [batch for batch in (apart, writing, reading) if batch]

    def _parts(self, jobs: list[Job], room: int, outputs: int) -> list[Part]:
        """What each job reads in a batch of so many rows, of which `outputs` are wanted."""
        parts = []
        for job in jobs:
            most = room
            if not self._device.cuttable and job.position < job.pinned:
                most = min(room, job.pinned - job.position)  # or it could not be kept by itself
            job.prepare(self._device, most, outputs, alone=self._fixed is not None)
            part = job.rows(most, outputs) if room > 0 else []
            job.passed = 0 if part else job.passed + 1
            if part:
                parts.append((job, part))
                job.given += len(part)
                room -= len(part)
                outputs -= sum(row.wanted for row in part)
        return parts

    def _decode(self, batch: list[Part], share: Share) -> None:
        job = batch[0][0]
        wanted = [row for _, part in batch for row in part]
        with self._fixed.filled(job, wanted) if self._fixed else nullcontext(wanted) as rows:
            company = len(rows) > 1 or (job.urgent and sum(other.urgent for other in self._running) > 1)
            self._device.compute_with(share if company else _share_alone(job))
            self._device.decode(rows)

    def _read(self, batch: list[Part]) -> None:
        first = 0
        for job, part in batch:
            self._took(job, first, len(part))
            first += len(part)

    def _took(self, job: Job, first: int, count: int) -> None:
        was_reading = job.reading
        wrote = job.urgent
        self.counts.read += 0 if wrote else count
        self.counts.written += wrote
        try:
            job.took(self._device, first, count)
        except ModelFault as exc:
            job.fail(exc)
        if self._fixed:
            self._fixed.took(job)
        elif was_reading and (not job.reading or (not self._device.cuttable and job.position == job.pinned)):
            self._keep(job)
        if job.done:
            self._leave(job)

    def _keep(self, job: Job) -> None:
        """Make known what the job has read or written, for others to share."""
        assert job.node is not None
        if not self._device.cuttable and job.position > len(job.seen):
            return
        before = job.node.end
        job.node = self._tree.insert(job.seen, job.sequence, job.node)
        job.reserved -= job.node.end - before
        if job.pinned:
            self._tree.pin(self._tree.find(job.adapters, job.ids[: job.pinned]))

    def _leave(self, job: Job) -> None:
        job.release(self._device)
        if job not in self._running:
            return
        self._parting.end(job)
        if job.node is not None:
            self._keep(job)
            self._tree.unlock(job.node)
            job.node = None
        self._running.remove(job)
        if self._fixed:
            self._fixed.left(job)
        else:
            self._device.remove(job.sequence)
        self._free.append(job.sequence)
        job.reserved = 0

    def _reset(self, error: ModelFault) -> None:
        """After a failed batch nobody knows what the cache holds: who runs has failed, who waits has not."""
        for job in self._running:
            job.fail(error)
            job.node, job.parted = None, 0
        self._device.clear()
        self._tree = self._new_tree()
        for job in list(self._running):
            self._leave(job)
        if self._fixed:
            self._fixed.forget()

    def _new_tree(self) -> PrefixTree:
        tree = PrefixTree(self._device, self._prefixes, parked=self._device.cells // 4, free=self._room)
        for tokens, saved in self._planted.items():
            tree.plant(_PLAIN, tokens, saved)
        return tree


def _precedence(job: Job) -> tuple[int, int]:
    """Who came first is read first, and to its end, so that few prompts are in the cache half read; but a long one lets
    shorter ones pass."""
    return job.given // SLICE - job.passed // PATIENCE, job.number


def _share_alone(job: Job) -> Share:
    """With which share of the threads to read one row alone, which is rounded by that: so its own writer says, and
    where it is the last of a prompt, it is one thread's."""
    if not job.urgent:
        return Share.ONE
    return Share.REST if job.spares else Share.ALL

"""A strict stand-in for llama.cpp's unified cache, and jobs over it; no test of its own.

The model is a pure function of the tokens that a sequence sees and of the adapters they were read with, so what must
come out is known without the cache. Where llama.cpp would misbehave, or quietly answer from wrong cells, this raises.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelFault
from pipeline.llama.engine.device import Row, Saved
from pipeline.llama.engine.jobs import Words, WritingJob
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.prefixes import PrefixTree
from pipeline.llama.engine.requests import Adapters, Chunk, Generation, Sampling, Scoring, Writing
from pipeline.llama.engine.scheduler import Scheduler
from pipeline.llama.engine.scoring import ScoringJob
from pipeline.llama.engine.text import TextStream
from pipeline.llama.shared import common

VOCABULARY = 8
END = 0
"""The token that ends a turn."""

BAD_GRAMMAR = "does not compile"
DEAD_END = "allows nothing after the first token"


def piece(token: int) -> bytes:
    return b".abcdefg"[token : token + 1]


WORDS = Words(piece, lambda token: token == END)


def meaning(before: int, token: int, adapters: Adapters) -> int:
    """What a cell holds: it depends on all cells before it."""
    return zlib.crc32(repr((before, token, [adapter.scale for adapter in adapters])).encode())


def answer(tokens: Sequence[int], adapters: Adapters = (), plain: int = 0) -> npt.NDArray[np.float64]:
    """The probabilities after these tokens, from nothing but them; the first `plain` are read without adapters."""
    last = 0
    for position, token in enumerate(tokens):
        last = meaning(last, token, () if position < plain else adapters)
    return _probabilities(last)


def _probabilities(last: int) -> npt.NDArray[np.float64]:
    weights = np.array([zlib.crc32(f"{last} {token}".encode()) % 1000 + 1 for token in range(VOCABULARY)], dtype=float)
    weights[END] /= 1.25  # or little would be written
    return np.asarray(weights / weights.sum())


class Written(NamedTuple):
    text: str
    tokens: list[int]
    finish: str | None


def written(request: Generation) -> Written:
    """What a generation must give."""
    tokens: list[int] = []
    stream, text = TextStream(request.stop), ""
    while True:
        token = int(answer((*request.prompt, *tokens), request.adapters).argmax())
        if token == END:
            return Written(text + stream.rest(), tokens, "stop")
        tokens.append(token)
        text += stream.feed(piece(token))
        if stream.stopped:
            return Written(text, tokens, "stop")
        if len(tokens) == request.max_tokens:
            return Written(text + stream.rest(), tokens, "length")


def scored(request: Scoring) -> tuple[tuple[float, ...], ...]:
    """What a scoring must give, each prompt on its own."""
    shared = min(common(request.prompts[0], prompt) for prompt in request.prompts)
    plain = min(request.plain, shared, *(len(prompt) - 1 for prompt in request.prompts))
    after = [answer(prompt, request.adapters, plain) for prompt in request.prompts]
    return tuple(tuple(float(own[list(group)].sum()) for group in request.groups) for own in after)


def got(writing: Writing) -> Written:
    """What a generation that has ended gave. Raises the error that it ended with."""
    stream = iter(writing)
    chunks: list[Chunk] = []
    while not chunks or chunks[-1].finish is None:
        assert not writing._chunks.empty(), "whoever listens would wait for ever"
        chunks.append(next(stream))
    return Written("".join(chunk.text for chunk in chunks), writing.tokens, chunks[-1].finish)


@dataclass(eq=False)
class Cell:
    position: int
    token: int
    meaning: int
    adapters: Adapters
    sequences: set[int] = field(default_factory=set)
    index: int = 0
    """Where it lies in the cache."""


class FakeDevice:
    """`fail_decode`, `fail_restore`, `fail_save`, `fail_part`, `fail_rejoin`: how many of the next calls fail;
    `refused` adapters are not taken."""

    def __init__(
        self,
        *,
        cells: int = 256,
        batch: int = 64,
        outputs: int = 16,
        threads: int = 1,
        cuttable: bool = True,
        recurs: bool = False,
        lane: int = 0,
    ) -> None:
        self.threads = threads
        self.cuttable = cuttable
        self.recurs = recurs
        self.share = Share.ALL
        self.shares: list[Share] = []
        """Those with which each of `batches` was computed."""
        self.cells = cells
        self.batch = batch
        self.outputs = outputs
        self.fail_decode = 0
        self.fail_restore = 0
        self.fail_save = 0
        self.fail_part = 0
        self.fail_rejoin = 0
        self.lane = lane
        self.parted: dict[int, list[Cell]] = {}
        """The cells of those who have parted, all of their own."""
        self.refused: Adapters = ()
        self.batches: list[tuple[Row, ...]] = []
        self.adapters: list[Adapters] = []
        """Those that were in force for each of `batches`."""
        self.places: list[tuple[int, ...]] = []
        """Where the cells of each of `batches` lie: the first that are free, as llama.cpp takes them."""
        self.samplers: list[FakeSampler] = []
        self.saved = 0
        self.restored = 0
        self._cells: list[Cell] = []
        self._using: Adapters = ()
        self._unknown = False
        self._answers: dict[int, npt.NDArray[np.float64]] = {}

    @property
    def read(self) -> int:
        """Rows that were decoded, of all batches."""
        return sum(map(len, self.batches))

    def used(self, sequences: Sequence[int] | None = None) -> int:
        """Cells that are not free, or those among them that bear one of these sequences."""
        return sum(sequences is None or not cell.sequences.isdisjoint(sequences) for cell in self._cells)

    def sequence(self, number: int) -> list[Cell]:
        return self.parted.get(number) or self._shared(number)

    def _shared(self, number: int) -> list[Cell]:
        return sorted((cell for cell in self._cells if number in cell.sequences), key=lambda cell: cell.position)

    def compute_with(self, share: Share) -> None:
        self.share = share

    def decode(self, rows: Sequence[Row]) -> None:
        assert not self._unknown, "read on after a failed batch, of which nobody knows what it left behind"
        assert 0 < len(rows) <= self.batch, "more rows than a batch holds"
        assert sum(row.wanted for row in rows) <= self.outputs, "more outputs than there are"
        apart = {row.sequence in self.parted for row in rows}
        assert len(apart) == 1, "one batch of those who have parted and of others"
        assert apart == {False} or len({row.sequence for row in rows}) == len(rows), (
            "more than a row for one who parted"
        )
        failing, self.fail_decode = self.fail_decode > 0, max(0, self.fail_decode - 1)
        self.shares.append(self.share)
        self._answers = {}
        places = self._free()
        for index, row in enumerate(rows[: len(rows) // 2] if failing else rows):
            before, place = self._before(row), places[index]
            known = meaning(before, row.token, self._using)
            cell = Cell(row.position, row.token, known, self._using, {row.sequence, *row.also}, place)
            self.parted.get(row.sequence, self._cells).append(cell)
            assert len(self.parted.get(row.sequence, ())) <= self.lane, "more cells than a lane has"
            if row.wanted:
                self._answers[index] = _probabilities(cell.meaning)
        if failing:
            self._unknown = True
            raise ModelFault("told to fail")
        assert len(self._cells) <= self.cells, "more cells than there are"
        self.batches.append(tuple(rows))
        self.places.append(tuple(places[: len(rows)]))
        self.adapters.append(self._using)

    def _free(self) -> list[int]:
        taken = {cell.index for cell in self._cells}
        return [index for index in range(self.cells + self.batch) if index not in taken]

    def _before(self, row: Row) -> int:
        """What the row's sequence holds, which must be whole, of one piece, and end just before the row."""
        cells = self.sequence(row.sequence)
        assert [cell.position for cell in cells] == list(range(row.position)), f"{row} does not follow what is there"
        before = 0
        for cell in cells:
            assert cell.adapters in ((), self._using), f"{row} sees a cell that was read with other adapters"
            before = meaning(before, cell.token, cell.adapters)
            assert cell.meaning == before, f"{row} sees a cell that was read after something else"
        return before

    def probabilities(self, index: int) -> npt.NDArray[np.float64]:
        assert index in self._answers, "nobody asked for what comes after this row"
        return self._answers[index]

    def sampler(self, sampling: Sampling) -> FakeSampler:
        if sampling.grammar == BAD_GRAMMAR:
            raise ModelFault("this grammar does not compile")
        self.samplers.append(FakeSampler(self, sampling))
        return self.samplers[-1]

    def use(self, adapters: Adapters) -> None:
        if adapters and adapters == self.refused:
            raise ModelFault("these adapters are not taken")
        self._using = adapters

    def part(self, sequence: int, tokens: int) -> bool:
        assert sequence not in self.parted, "parted twice"
        cells = self._shared(sequence)
        assert len(cells) == tokens > 0, "not what it holds"
        if self.fail_part:
            self.fail_part -= 1
            return False
        self.parted[sequence] = [replace(cell, sequences={sequence}) for cell in cells]
        return True

    def rejoin(self, sequence: int) -> bool:
        written = self.parted.pop(sequence)[len(self._shared(sequence)) :]
        if self.fail_rejoin:
            self.fail_rejoin -= 1
            return False
        self._cells += [replace(cell, index=index) for cell, index in zip(written, self._free(), strict=False)]
        assert len(self._cells) <= self.cells, "more cells than there are"
        return True

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        assert self.parted.keys().isdisjoint((source, target)), "one that has parted is copied"
        cells = [cell for cell in self.sequence(source) if start <= cell.position < end]
        assert [cell.position for cell in cells] == list(range(start, end)), "a copy of what is not there"
        taken = {cell.position for cell in self.sequence(target)}
        if not self.cuttable:
            ends = max((cell.position for cell in self.sequence(source)), default=-1)
            assert ends == end - 1, "a copy of a state that is no longer known"
            assert not taken or max(taken) == start - 1, "a state is put in the place of a later one"
        for cell in cells:
            assert cell.position not in taken, "two cells of one sequence at one position"
            cell.sequences.add(target)

    def remove(self, sequence: int, start: int = 0, end: int = -1) -> bool:
        assert sequence not in self.parted, "one that has parted is cut"
        if not self.cuttable and (start or end >= 0):
            assert start > max((cell.position for cell in self.sequence(sequence)), default=-1), "a state is cut"
        for cell in self.sequence(sequence):
            if start <= cell.position and (end < 0 or cell.position < end):
                cell.sequences.discard(sequence)
        self._cells = [cell for cell in self._cells if cell.sequences]
        return True

    def save(self, sequence: int) -> Saved:
        assert sequence not in self.parted, "one that has parted is saved"
        if self.fail_save:
            self.fail_save -= 1
            raise ModelFault("told not to save")
        self.saved += 1
        kept = pickle.dumps(
            [(cell.position, cell.token, cell.meaning, cell.adapters) for cell in self.sequence(sequence)]
        )
        return np.frombuffer(kept, dtype=np.uint8)

    def restore(self, sequence: int, saved: Saved) -> bool:
        assert not self.sequence(sequence), "restored over something"
        if self.fail_restore:
            self.fail_restore -= 1
            return False
        self._cells += [
            Cell(position, token, held, adapters, {sequence}, index)
            for index, (position, token, held, adapters) in zip(
                self._free(), pickle.loads(saved.tobytes()), strict=False
            )
        ]
        assert len(self._cells) <= self.cells, "more cells than there are"
        self.restored += 1
        return True

    def clear(self) -> None:
        self._cells = []
        self.parted.clear()
        self._unknown = False

    def close(self) -> None:
        assert all(sampler.closed for sampler in self.samplers), "a sampler was left open"


class FakeSampler:
    """Takes the most probable token."""

    def __init__(self, device: FakeDevice, sampling: Sampling) -> None:
        self._device = device
        self._sampling = sampling
        self._picked = 0
        self.closed = 0

    def pick(self, index: int) -> int:
        assert not self.closed, "picked after it was closed"
        self._picked += 1
        if self._sampling.grammar == DEAD_END and self._picked > 1:
            raise ModelFault("no token that the grammar allows")
        return int(self._device.probabilities(index).argmax())

    def close(self) -> None:
        self.closed += 1
        assert self.closed == 1, "closed twice"


def read_alone(prompt: tuple[int, ...]) -> Saved:
    """The cells of a prompt that a device has read which did nothing else."""
    device = FakeDevice(cells=len(prompt))
    device.decode([Row(token, position, 0, False) for position, token in enumerate(prompt)])
    return device.save(0)


class Rig:
    """A scheduler over a fake device, the books of both compared after every step."""

    def __init__(self, device: FakeDevice | None = None, *, parallel: int = 4, sequences: int = 14) -> None:
        self.device = device or FakeDevice()
        self.scheduler = Scheduler(self.device, parallel=parallel, sequences=sequences)
        self._parallel, self._sequences = parallel, sequences

    def write(self, request: Generation) -> WritingJob:
        job = WritingJob(request, WORDS)
        self.scheduler.add(job)
        return job

    def score(self, request: Scoring) -> ScoringJob:
        job = ScoringJob(request)
        self.scheduler.add(job)
        return job

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.scheduler.step()
            self.check()

    def finish(self) -> None:
        """Until nobody waits or runs, in as many steps as would do if each job ran alone, and some."""
        jobs = (*self.scheduler._waiting, *self.scheduler._running)
        for _ in range(16 + sum(len(job.ids) + job.beyond + 16 for job in jobs)):
            if not self.scheduler.jobs:
                return
            self.step()
        raise AssertionError(f"{self.scheduler.jobs} jobs hang")

    @property
    def tree(self) -> PrefixTree:
        return self.scheduler._tree

    def check(self) -> None:
        scheduler, device, tree = self.scheduler, self.device, self.tree
        running, nodes = scheduler._running, list(tree.nodes())
        there = [node for node in nodes if node.sequence is not None]
        away = [node for node in nodes if node.sequence is None]
        assert device.used() <= scheduler.held <= device.cells
        assert tree.cells == sum(len(node.tokens) for node in there) == device.used(scheduler._prefixes)
        assert tree.parked == sum(len(node.tokens) for node in away if node.planted is None)
        assert all(node.saved is not None and not node.users for node in away)
        assert all(node.tokens and node.parent is not None and node.start == node.parent.end for node in nodes)
        for node in there:
            assert node.sequence is not None
            cells = device.sequence(node.sequence)
            assert [(cell.position, cell.token) for cell in cells] == list(enumerate(node.tokens, node.start))
        paths = [job.node.path() for job in running if job.node is not None]
        assert all(node.users == sum(node in path for path in paths) for node in nodes)
        assert all(job.reserved >= 0 and not job.done for job in running)
        assert {job.sequence for job in running if job.parted} == set(device.parted)
        for job in running:
            own = job._trunk[: job.position] if isinstance(job, ScoringJob) else job.seen
            assert [cell.token for cell in device.sequence(job.sequence)] == list(own)
        branches = [branch for job in running if isinstance(job, ScoringJob) for branch in job._open]
        jobs = range(self._parallel)
        between = range(self._parallel, scheduler._prefixes.start)
        assert sorted([*scheduler._free, *(job.sequence for job in running)]) == list(jobs)
        assert sorted([*scheduler._branches, *(branch.sequence for branch in branches)]) == list(between)
        assert sorted([*tree._sequences, *(node.sequence or -1 for node in there)]) == list(scheduler._prefixes)
        assert not any(map(device.sequence, (*scheduler._free, *scheduler._branches, *tree._sequences)))

    def check_idle(self) -> None:
        """When nobody runs, only idle prefixes are left."""
        self.check()
        assert not self.scheduler.jobs
        assert self.device.used() == self.scheduler.held == self.tree.cells
        assert not any(node.users for node in self.tree.nodes())
        assert all(sampler.closed == 1 for sampler in self.device.samplers)

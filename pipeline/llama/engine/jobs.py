"""Requests under way. Only who has the engine touches a job; callers hold its `Writing` or its future."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from pipeline.errors import ModelUnavailable
from pipeline.llama.engine.device import TILE, Device, Row, Sampler
from pipeline.llama.engine.prefixes import Node
from pipeline.llama.engine.requests import Adapters, Ahead, Chunk, Generation, Scores, Scoring, Writing
from pipeline.llama.engine.text import TextStream
from pipeline.llama.shared import common

WAVE = 1024
"""Cells that one scoring's branches take at a time, unless one alone is longer."""


ROUND = 64
"""Tokens of a draft that is read along, of which the last `SPARED` are written with a thread less: by then there is a
tile to read, the first time with the conversation. By count and not by need, since one row alone is rounded by how many
threads read it, and a seed should repeat."""

SPARED = 28

BESIDE = 24
"""Tokens that are written while somebody beside reads a tile."""


class Words(NamedTuple):
    """What a job must know of the vocabulary: a token's bytes, and whether it ends a turn."""

    piece: Callable[[int], bytes]
    ends: Callable[[int], bool]


class Job(ABC):
    """A prompt to be read, and what is done after it."""

    urgent = False
    """Whether somebody waits for its next token."""
    spares = False
    """Whether it is written with a thread less for now."""
    ending = False
    """Whether that will end before who begins now, beside it, has read a tile."""
    waits = False
    """Whether nobody waits for it, so that it can wait for everybody."""
    pinned = 0
    """Tokens at its start that are kept for those that come after it."""

    def __init__(self, ids: tuple[int, ...], adapters: Adapters, seconds: float | None) -> None:
        self.ids = ids
        self.adapters = adapters
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.position = 0
        """Tokens of its own sequence that are in the cache."""
        self.sequence = -1
        self.node: Node | None = None
        self.reserved = 0
        """Cells that are its own, or kept for it."""
        self.reused = 0
        self.number = 0
        """Its place in the order of arrival."""
        self.given = 0
        """Rows that it has been given in all."""
        self.passed = 0
        """Steps since it was last given one."""
        self.done = False

    @property
    @abstractmethod
    def beyond(self) -> int:
        """Cells that it takes at most, beyond the prompt's."""

    @property
    def seen(self) -> tuple[int, ...]:
        """The tokens in its own sequence that others may share."""
        return self.ids[: self.position]

    @property
    def reading(self) -> bool:
        return self.position < len(self.ids)

    @property
    def remaining(self) -> int:
        """Rows that are still to be read before it writes, or as far as `applied` are in force."""
        return len(self.ids) - self.position

    @property
    def applied(self) -> Adapters:
        """The adapters that its next rows are read with; its prompt is read, and shared, under `adapters`."""
        return self.adapters

    def begin(self, device: Device, branches: list[int]) -> None:  # noqa: B027  # most have nothing to do
        """Get ready, once there is room. Ids for branches are taken from the pool, and put back there. Raises
        `ModelFault` for what cannot be done."""

    def prepare(self, device: Device, room: int, outputs: int, *, alone: bool) -> None:  # noqa: B027  # most do nothing
        """Get ready for the next batch, in which it may read `room` rows, its own and its branches' together, of which
        `outputs` are wanted; `alone` says that no other job shares what it reads."""

    def rows(self, room: int, outputs: int) -> list[Row]:  # noqa: ARG002  # nothing is wanted while reading
        """What to read next, in at most `room` rows of which `outputs` are wanted."""
        end = min(len(self.ids), self.position + room)
        return [Row(self.ids[i], i, self.sequence, False) for i in range(self.position, end)]

    @abstractmethod
    def took(self, device: Device, first: int, rows: int) -> None:
        """Its rows have been read, from index `first` on."""

    def release(self, device: Device) -> None:  # noqa: B027  # most have nothing to give
        """Give back what it holds beside its sequence."""

    @abstractmethod
    def cancelled(self) -> bool: ...

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """It came to nothing."""

    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def expire(self) -> None:
        self.fail(ModelUnavailable("the model did not get it done in the time that was given"))


class WritingJob(Job):
    """Reads a prompt and writes after it."""

    def __init__(self, request: Generation, words: Words) -> None:
        # The last token is the first that is read as those which are written: it is the same, whether or not all before
        # it is known.
        super().__init__(request.prompt[:-1], request.adapters, request.seconds)
        self.pinned = min(request.pinned, len(self.ids))
        self.writing = Writing()
        self._request = request
        self._words = words
        self._text = TextStream(request.stop)
        self._sampler: Sampler | None = None

    @property
    def beyond(self) -> int:
        return 1 + self._request.max_tokens

    @property
    def seen(self) -> tuple[int, ...]:
        return (*self._request.prompt, *self.writing.tokens)[: self.position]

    @property
    def urgent(self) -> bool:  # type: ignore[override]  # a constant for jobs of other kinds
        return not self.reading

    @property
    def spares(self) -> bool:  # type: ignore[override]
        return self._request.followed and self._spares_after(len(self.writing.tokens))

    @property
    def ending(self) -> bool:  # type: ignore[override]
        written = len(self.writing.tokens)
        return not all(map(self._spares_after, range(written, written + BESIDE)))

    def _spares_after(self, written: int) -> bool:
        # First its prompt is read, which may be long; then as much of the draft as is there.
        return written < len(self.ids) // ROUND * SPARED or written % ROUND >= ROUND - SPARED

    def begin(self, device: Device, branches: list[int]) -> None:  # noqa: ARG002
        self._sampler = device.sampler(self._request.sampling)

    def rows(self, room: int, outputs: int) -> list[Row]:
        if self.reading:
            return super().rows(room, outputs)
        if not room or not outputs:
            return []
        last = self.writing.tokens[-1] if self.writing.tokens else self._request.prompt[-1]
        return [Row(last, self.position, self.sequence, True)]

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        was_reading = self.reading
        self.position += rows
        if was_reading:
            return
        assert self._sampler is not None
        token = self._sampler.pick(first)
        if self._words.ends(token):
            self._end(Chunk(self._text.rest(), 0, "stop"))
            return
        self.writing.tokens.append(token)
        text = self._text.feed(self._words.piece(token))
        if self._text.stopped:
            self._end(Chunk(text, 1, "stop"))
        elif len(self.writing.tokens) >= self._request.max_tokens:
            self._end(Chunk(text + self._text.rest(), 1, "length"))
        else:
            self.writing.give(Chunk(text, 1))

    def release(self, device: Device) -> None:  # noqa: ARG002
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None

    def cancelled(self) -> bool:
        return self.writing.cancelled()

    def fail(self, error: Exception) -> None:
        self.done = True
        self.writing.give(error)

    def _end(self, chunk: Chunk) -> None:
        self.done = True
        self.writing.give(chunk)


class ScoringJob(Job):
    """Reads what several prompts share, then what they differ in, as branches of one trunk."""

    def __init__(self, request: Scoring, cells: int | None = None) -> None:
        """Of `cells` that there are at most, if that is known, the branches leave enough to the trunk."""
        trunk = _trunk(request.prompts, request.plain if request.adapters else 0)
        plain = min(request.plain, len(trunk)) if request.adapters else 0
        super().__init__(trunk[:plain] if plain else trunk, () if plain else request.adapters, request.seconds)
        self.future: Future[Scores] = Future()
        self.pinned = min(request.pinned, len(self.ids))
        self._asked_with = request.adapters
        self._trunk = trunk
        self._groups = [np.asarray(group, dtype=np.intp) for group in request.groups]
        self._mass: dict[int, tuple[float, ...]] = {}
        self._prompts = request.prompts
        self._waiting = [_Branch(i, p[len(trunk) :]) for i, p in enumerate(request.prompts)]
        self._open: list[_Branch] = []
        self._pool: list[int] = []
        self._taken: list[tuple[_Branch, int]] = []
        self._along = 0
        """Rows of the trunk in the batch, which come before those of `_taken`."""
        longest = max(len(branch.ids) for branch in self._waiting)
        most = WAVE if cells is None else min(WAVE, cells - len(trunk))
        self._wave = min(sum(len(branch.ids) for branch in self._waiting), max(most, longest))

    @property
    def beyond(self) -> int:
        return len(self._trunk) - len(self.ids) + self._wave

    @property
    def remaining(self) -> int:
        if self.applied != self._asked_with:
            return super().remaining
        return self._rest + sum(branch.left for branch in (*self._open, *self._waiting))

    @property
    def applied(self) -> Adapters:
        return self.adapters if self.reading else self._asked_with

    def begin(self, device: Device, branches: list[int]) -> None:  # noqa: ARG002
        self._pool = branches

    def rows(self, room: int, outputs: int) -> list[Row]:
        end = min(len(self.ids) if self.reading else len(self._trunk), self.position + room)
        also = tuple(branch.sequence for branch in self._open)
        rows = [Row(self._trunk[i], i, self.sequence, False, also) for i in range(self.position, end)]
        self._along, self._taken = len(rows), []
        for branch in [one for one in self._open if one.left] if end == len(self._trunk) else ():
            count = min(branch.left, room - len(rows))
            if count == branch.left and not outputs:
                count -= 1
            outputs -= count == branch.left
            rows += branch.rows(end, count)
            self._taken.append((branch, count))
        return rows

    def prepare(self, device: Device, room: int, outputs: int, *, alone: bool) -> None:
        """Open as many branches as there are ids and cells for, once those before them are read, and the trunk is, or
        is read along with them."""
        if self._open or (self._on_trunk and not self._along_with_trunk(room, outputs, alone=alone)):
            return
        used = 0
        while self._waiting and self._pool and used + len(self._waiting[0].ids) <= self._wave:
            branch = self._waiting.pop(0)
            branch.sequence = self._pool.pop()
            device.copy(self.sequence, branch.sequence, 0, self.position)
            used += len(branch.ids)
            self._open.append(branch)

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        self.position += self._along
        first += self._along
        for branch, count in self._taken:
            first += count
            branch.read += count
            if not branch.left:
                self._read(device, branch.index, first - 1)
        self._taken = []
        # All at once, or others would get the cells of those that were read sooner, which depends on where batches end.
        if not any(branch.left for branch in self._open):
            self.release(device)

    def release(self, device: Device) -> None:
        for branch in self._open:
            self._close(device, branch)
        self._open = []

    def cancelled(self) -> bool:
        return self.future.cancelled()

    def fail(self, error: Exception) -> None:
        self.done = True
        with suppress(InvalidStateError):  # cancelled in the meantime
            self.future.set_exception(error)

    def _along_with_trunk(self, room: int, outputs: int, *, alone: bool) -> bool:
        """Whether branches may be read in one batch with the rest of the trunk."""
        if self.applied != self._asked_with:
            return False
        if alone:
            return self._rest < room
        # Another's cells may take the place of its trunk's once that is read: by then no branch may be left on them.
        fits = self.remaining <= room and sum(len(branch.ids) for branch in self._waiting) <= self._wave
        return fits and len(self._waiting) <= min(outputs, len(self._pool))

    @property
    def _rest(self) -> int:
        """Tokens of the trunk that are still to be read."""
        return len(self._trunk) - self.position

    @property
    def _on_trunk(self) -> bool:
        return self._rest > 0

    def _read(self, device: Device, index: int, row: int) -> None:
        probabilities = device.probabilities(row)
        self._mass[index] = tuple(float(probabilities[group].sum()) for group in self._groups)
        if len(self._mass) < len(self._prompts):
            return
        self.done = True
        shared = len(self._trunk)
        total = shared + sum(len(prompt) - shared for prompt in self._prompts)
        scores = Scores(tuple(self._mass[i] for i in range(len(self._prompts))), total - self.reused, self.reused)
        with suppress(InvalidStateError):  # cancelled in the meantime
            self.future.set_result(scores)

    def _close(self, device: Device, branch: _Branch) -> None:
        device.remove(branch.sequence)
        self._pool.append(branch.sequence)


class _Branch:
    """What one prompt has after the trunk."""

    def __init__(self, index: int, ids: tuple[int, ...]) -> None:
        self.index = index
        self.ids = ids
        self.sequence = -1
        self.read = 0

    @property
    def left(self) -> int:
        return len(self.ids) - self.read

    def rows(self, position: int, count: int) -> list[Row]:
        """Its next rows, where the trunk ends at `position`."""
        last = len(self.ids) - 1
        return [Row(self.ids[i], position + i, self.sequence, i == last) for i in range(self.read, self.read + count)]


def _trunk(prompts: tuple[tuple[int, ...], ...], plain: int) -> tuple[int, ...]:
    """What all prompts begin with, short of a whole prompt: each branch must have something to read, and two tokens
    where it can, since llama.cpp rounds a row alone in a batch as it rounds no other. `plain` tokens stay in the trunk.
    """
    shortest = min(map(len, prompts))
    shared = min((common(prompts[0], prompt) for prompt in prompts[1:]), default=shortest)
    return prompts[0][: min(shared, shortest - 1, max(shortest - 2, plain))]


class AheadJob(Job):
    """Reads what somebody will soon ask about, so that it is in the cache."""

    waits = True

    def __init__(self, request: Ahead) -> None:
        super().__init__(request.prompt, request.adapters, None)
        self.pinned = request.pinned
        self._unwanted = request.unwanted

    @property
    def beyond(self) -> int:
        return 0

    def begin(self, device: Device, branches: list[int]) -> None:  # noqa: ARG002
        # Less than a tile takes as long to read as a whole one: so less than half of one waits for what comes next.
        behind = max(self.position, self.pinned)
        tiles, over = divmod(max(0, len(self.ids) - behind), TILE)
        if tiles or over < TILE // 2:
            self.ids = self.ids[: behind + tiles * TILE]
        self.done = not self.reading

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        self.position += rows
        self.done = not self.reading

    def cancelled(self) -> bool:
        return self._unwanted.is_set()

    def fail(self, error: Exception) -> None:  # noqa: ARG002  # it is read when it is asked about
        self.done = True

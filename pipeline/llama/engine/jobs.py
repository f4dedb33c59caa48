"""Requests under way. Only who has the engine touches a job; callers hold its `Writing` or its future."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

from pipeline.errors import ModelUnavailable
from pipeline.llama.engine.device import TILE, Device, Row, Sampler
from pipeline.llama.engine.prefixes import Node
from pipeline.llama.engine.requests import Adapters, Ahead, Chunk, Generation, Writing
from pipeline.llama.engine.text import TextStream

ROUND = 64
"""Tokens of a draft that is read along, of which the last `SPARED` are written with a thread less: by then there is a
tile to read, the first time with the conversation. By count and not by need, since one row alone is rounded by how many
threads read it, and a seed should repeat."""

SPARED = 28

T = TypeVar("T")

BESIDE = 24
"""Tokens that are written while somebody beside reads a tile."""


class Words(NamedTuple):
    """What a job must know of the vocabulary: a token's bytes, and whether it ends a turn."""

    piece: Callable[[int], bytes]
    ends: Callable[[int], bool]


class Job(ABC):
    """A prompt to be read, and what is done after it."""

    writes = False
    """Whether it goes on for long, a token at a time."""
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
        self.parted = 0
        """Tokens in its sequence when that parted from the others, 0 while it is among them."""
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
        """Get ready, once there is room; where all that it wants is known, it is `done` at once. Ids for branches are
        taken from the pool, and put back there. Raises `ModelFault` for what cannot be done."""

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


class FutureJob(Job, Generic[T]):
    """One that comes to a single result."""

    def __init__(self, ids: tuple[int, ...], adapters: Adapters, seconds: float | None) -> None:
        super().__init__(ids, adapters, seconds)
        self.future: Future[T] = Future()

    def give(self, result: T) -> None:
        self.done = True
        with suppress(InvalidStateError):  # cancelled in the meantime
            self.future.set_result(result)

    def cancelled(self) -> bool:
        return self.future.cancelled()

    def fail(self, error: Exception) -> None:
        self.done = True
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class WritingJob(Job):
    """Reads a prompt and writes after it."""

    writes = True

    def __init__(self, request: Generation, words: Words) -> None:
        # The last token is the first that is read as those which are written: it is the same, whether or not all before
        # it is known.
        super().__init__(request.prompt[:-1], request.adapters, request.seconds)
        self.pinned = min(request.pinned, len(self.ids))
        self.writing = Writing()
        self._request = request
        self._words = words
        self._text = TextStream(request.stop, request.begun)
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

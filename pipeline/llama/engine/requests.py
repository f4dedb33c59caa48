"""What can be asked of the engine, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt

from pipeline.drafting import Finish

_LOOK = 0.05
"""Seconds between two looks at whether anybody still listens."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter in a GGUF file, and how strongly it is applied."""

    path: Path
    scale: float = 1.0


Adapters = tuple[Adapter, ...]


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen, in llama.cpp's usual order: bias, top-p, min-p, temperature.

    `temperature` 0 is greedy. `bias` adds to the logits of tokens. `grammar` is GBNF: nothing that it does not allow is
    written.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    bias: Mapping[int, float] = field(default_factory=dict)
    grammar: str = ""


@dataclass(frozen=True)
class Generation:
    """Write up to `max_tokens` after the prompt, until the model ends its turn or one of `stop` is written, which may
    begin in `begun`, the text that the prompt ends with.

    The first `pinned` tokens are the same from call to call, and kept. `seconds` is how long the whole may take,
    waiting included. One that is `followed` leaves a core, from time to time, to who reads along.
    """

    prompt: tuple[int, ...]
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    adapters: Adapters = ()
    seconds: float | None = None
    pinned: int = 0
    followed: bool = False
    begun: str = ""


@dataclass(frozen=True)
class Scoring:
    """Read, after each prompt, how probable each group of tokens is to come next.

    What the prompts share from the start is read once. The first `pinned` tokens are the same from call to call, and
    kept. The first `plain` tokens are read without the adapters, so that they are shared with who wrote them.
    """

    prompts: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[int, ...], ...]
    pinned: int = 0
    plain: int = 0
    adapters: Adapters = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Ahead:
    """Read the beginning of prompts that will be scored soon, by the tile, until it is done or `unwanted`.

    The first `pinned` tokens are the same from call to call.
    """

    prompt: tuple[int, ...]
    unwanted: threading.Event
    pinned: int = 0
    adapters: Adapters = ()


@dataclass(frozen=True)
class Scores:
    """`mass[i][j]` is the probability of group j after prompt i. `read` tokens were read for it, `reused` were not."""

    mass: tuple[tuple[float, ...], ...]
    read: int
    reused: int


@dataclass(frozen=True)
class Looking:
    """Read a prompt, and look at what the cache then holds of the tokens from `start` on: the mean of their values at
    each of `layers`, which are counted from 0."""

    prompt: tuple[int, ...]
    start: int
    layers: tuple[int, ...]
    seconds: float | None = None


@dataclass(frozen=True)
class Seen:
    """`values[i]` are those at layer i of the request, shape (layers, width). Counts as those of `Scores`."""

    values: npt.NDArray[np.float32]
    read: int
    reused: int


@dataclass(frozen=True)
class Saving:
    """Read a prompt, and give the cells that then hold it."""

    prompt: tuple[int, ...]


@dataclass(frozen=True)
class Planting:
    """Let prompts that begin with `tokens`, and are read without adapters, be read on from saved cells.

    `saved` must be of the same weights, llama.cpp and layout of the cache: see `Engine.layout`.
    """

    tokens: tuple[int, ...]
    saved: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Chunk:
    """Some more text and how many tokens it took; the last one says how it ended."""

    text: str
    tokens: int
    finish: Finish | None = None


class Writing:
    """A generation under way: iterate over it for its chunks, once. Whoever stops listening should cancel it."""

    def __init__(self) -> None:
        self._chunks: SimpleQueue[Chunk | Exception] = SimpleQueue()
        self._cancelled = threading.Event()
        self.tokens: list[int] = []
        """What has been written so far; whole once the last chunk is there."""

    def __iter__(self) -> Generator[Chunk, None, None]:
        return self.heard()

    def heard(self, unwanted: Callable[[], bool] | None = None) -> Generator[Chunk, None, None]:
        """The chunks as they come, until they are `unwanted`: a long prompt is read for some time before the first."""
        while not (unwanted and unwanted()):
            try:
                chunk = self._chunks.get(timeout=_LOOK if unwanted else None)
            except Empty:
                continue
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
            if chunk.finish:
                return

    def cancel(self) -> None:
        """Stop before the next token. A writing that has ended is not changed by it."""
        self._cancelled.set()

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def give(self, chunk: Chunk | Exception) -> None:
        """For the engine: hand over a chunk, or why there will be none."""
        self._chunks.put(chunk)

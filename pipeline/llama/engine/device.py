"""What the scheduler needs of llama.cpp: a context whose sequences share cells, and nothing that thinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.llama.engine.load import Share
from pipeline.llama.engine.requests import Adapters, Sampling

TILE = 64
"""Rows from which on llama.cpp attends by tiles of so many rows: it rounds otherwise then, and each tile pays for all
that any of its rows looks at."""

Saved = npt.NDArray[np.uint8]
"""Cells, kept outside of the cache."""


class Row(NamedTuple):
    """One token to be read: where it stands, in which sequence, whether what comes after it is wanted, and which other
    sequences share its cell from the start."""

    token: int
    position: int
    sequence: int
    wanted: bool
    also: tuple[int, ...] = ()


class Sampler(Protocol):
    """Chooses tokens for one generation."""

    def pick(self, index: int) -> int:
        """A token to come after the row with this index in the last batch."""

    def close(self) -> None: ...


class Device(Protocol):
    """A context. It serves one thread at a time. Every method raises `ModelFault` where llama.cpp fails."""

    @property
    def cells(self) -> int:
        """Tokens that the KV cache holds, of all sequences together; one that sequences share counts once."""

    @property
    def batch(self) -> int:
        """Rows in one batch, at most."""

    @property
    def outputs(self) -> int:
        """Wanted rows in one batch, at most."""

    @property
    def cuttable(self) -> bool:
        """Whether what a sequence holds can be cut: a recurrent model remembers a text as a whole, and one with a
        sliding window forgets what lies behind that."""

    @property
    def recurs(self) -> bool:
        """Whether sequences have a state: llama.cpp then reads those of one batch apart, as many rows of each at a
        time."""

    @property
    def lane(self) -> int:
        """Cells that a sequence gets which parts from the others, 0 where none can."""

    @property
    def threads(self) -> int:
        """With how many it computes, at most."""

    def compute_with(self, share: Share) -> None:
        """Compute with this share of its threads from now on."""

    def decode(self, rows: Sequence[Row]) -> None: ...

    def probabilities(self, index: int) -> npt.NDArray[np.float64]:
        """Of the whole vocabulary, after the row with this index in the last batch."""

    def sampler(self, sampling: Sampling) -> Sampler: ...

    def use(self, adapters: Adapters) -> None:
        """Read with these adapters from now on."""

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        """Let `target` share the cells of `source` at positions `start` to `end`. Where that cannot be cut, `source`
        ends at `end`, and `target` at `start`."""

    def remove(self, sequence: int, start: int = 0, end: int = -1) -> bool:
        """Take the sequence off its cells; those that no other sequence shares are free then. Whether that could be
        done: some models remember a sequence whole or not at all."""

    def save(self, sequence: int) -> Saved:
        """The sequence's cells, to be kept outside of the cache."""

    def restore(self, sequence: int, saved: Saved) -> bool:
        """Put saved cells back under an empty sequence; whether there was room for them."""

    def part(self, sequence: int, tokens: int) -> bool:
        """Let the sequence, which holds so many tokens, go on in a lane, cells of its own that nobody who reads beside
        it has to pass over. Whether that could be done. A batch is of parted sequences alone, one row each, or of
        others. Nothing else is done with one that has parted until it has rejoined."""

    def rejoin(self, sequence: int) -> bool:
        """Bring what a parted sequence has read since back among the others' cells, of which as many must be free.
        Whether that could be done: if not, it is where it parted."""

    def clear(self) -> None: ...

    def close(self) -> None: ...

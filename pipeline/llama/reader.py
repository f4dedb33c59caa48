"""How probable a model finds the tokens of a text: for measuring, beside the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.llama.engine import Adapter, LlamaDevice
from pipeline.llama.engine.device import Row, Saved
from pipeline.llama.engine.llama_device import BATCH, OUTPUTS
from pipeline.llama.model import LlamaModel
from pipeline.llama.shared import common


class LlamaReader:
    """A context of its own, for the one thread that made it. What begins as the last text did is not read again."""

    def __init__(self, model: LlamaModel, *, context: int = 2048, threads: int | None = None) -> None:
        self._model = model
        self._device = LlamaDevice(model, cells=context, threads=threads)
        self._held: tuple[int, ...] = ()
        self._restored: tuple[tuple[int, ...], Saved] | None = None

    def wear(self, *adapters: Adapter) -> None:
        """Read with these adapters from now on, and with nothing that was read before."""
        self._device.clear()
        self._device.use(adapters)
        self._held, self._restored = (), None

    def restore(self, tokens: Sequence[int], cells: Saved) -> bool:
        """Begin from cells that were saved elsewhere; whether they could be put back."""
        self._device.clear()
        restored = self._device.restore(0, cells)
        self._held = tuple(tokens) if restored else ()
        self._restored = (self._held, cells) if restored else None
        return restored

    def log_probabilities(self, ids: Sequence[int], start: int) -> npt.NDArray[np.float32]:
        """Of the whole vocabulary, in the place of each token from `start` (at least 1) on: (tokens, vocabulary)."""
        scores = np.empty((len(ids) - start, self._model.vocabulary_size), np.float32)
        for row, found in zip(scores, self._scores(ids, start), strict=True):
            row[:] = found
        scores -= scores.max(axis=1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))

    def log_likelihoods(self, ids: Sequence[int], start: int) -> npt.NDArray[np.float32]:
        """Of each token from `start` (at least 1) on, after those before it: (tokens)."""
        found = []
        for token, scores in zip(ids[start:], self._scores(ids, start), strict=True):
            most = scores.max()
            found.append(scores[token] - most - np.log(np.exp(scores - most).sum()))
        return np.asarray(found, np.float32)

    def surprise(self, ids: Sequence[int]) -> float:
        """Mean negative log-probability of each token after those before it."""
        return -float(self.log_likelihoods(ids, 1).mean())

    def _scores(self, ids: Sequence[int], start: int) -> Iterator[npt.NDArray[np.float32]]:
        """A row for each token from `start` on, valid until the next one is asked for."""
        ids = tuple(ids)
        kept = min(common(self._held, ids), start - 1)
        if kept < len(self._held):
            kept = self._cut(ids, kept)
        self._held = ids[:kept]
        for begin, end in _parts(kept, start - 1, len(ids) - 1):
            wanted = begin >= start - 1
            self._device.decode([Row(ids[place], place, 0, wanted) for place in range(begin, end)])
            self._held = ids[:end]
            if wanted:
                yield from map(self._device.logits, range(end - begin))

    def _cut(self, ids: tuple[int, ...], length: int) -> int:
        """Keep so much of what is held, or less where that cannot be; how much it is."""
        if self._device.cuttable:
            self._device.remove(0, length)
            return length
        self._device.clear()
        if self._restored is not None:
            tokens, cells = self._restored
            if len(tokens) <= length and tokens == ids[: len(tokens)] and self._device.restore(0, cells):
                return len(tokens)
        return 0

    def close(self) -> None:
        self._device.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parts(begin: int, wanted: int, end: int) -> list[tuple[int, int]]:
    """Batches, none of which holds both tokens after which something is wanted and others."""
    plain = [(at, min(at + BATCH, wanted)) for at in range(begin, wanted, BATCH)]
    return plain + [(at, min(at + OUTPUTS, end)) for at in range(wanted, end, OUTPUTS)]

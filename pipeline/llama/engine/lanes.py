"""Cells of their own for those who write at the same time.

llama.cpp looks at every cell of a cache for every row, if only to find that it is somebody else's: sixteen writers pass
over the cells of fifteen others each, at every token. So beside the cache that all share there is a second context, in
which each sequence has its part of the cells (llama.cpp's `kv_unified` off, a stream each). A prompt is read where all
are, and shares with them what they have in common; then its sequence is copied there, and at its end what it has
written is copied back. There its cells lie in the order in which they were read; among the others they fill gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.errors import ModelFault, ModelUnusable
from pipeline.llama.engine.cells import for_part, of_part, part_counts
from pipeline.llama.engine.device import Row, Saved
from pipeline.llama.engine.llama_device import LlamaDevice, cuttable
from pipeline.llama.engine.load import Share
from pipeline.llama.model import LlamaModel, quiet_api
from pipeline.machine.memory import free_bytes

LENGTH = 512
"""Cells of a lane: a short conversation. Whoever comes to its end goes on among the others."""

_SHARE = 16
"""All lanes take at most one part in so many of the free memory."""


class LanedDevice(LlamaDevice):
    """A context, and beside it, from the first time that a sequence parts, one of `lanes` with `LENGTH` cells each.

    There is none where llama.cpp computes on a GPU, where nobody has measured what it is worth, nor for a model whose
    sequences cannot be cut, nor where memory is short.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        lanes: int,
        cells: int,
        sequences: int,
        threads: int | None,
        batch: int,
        flash: bool = True,
    ) -> None:
        possible = cuttable(model) and not quiet_api().llama_supports_gpu_offload()
        super().__init__(model, cells=cells, sequences=sequences + 1, threads=threads, batch=batch, flash=flash)
        self._flash = flash
        self._spare = sequences
        """A sequence for those who come back."""
        self._parts = lanes
        self.lane = LENGTH if possible else 0
        self._beside: LlamaDevice | None = None
        self._lanes: list[int | None] = []
        """The sequences that have parted, each in its lane; what was there before gives way to what is restored."""
        self._before: dict[int, int] = {}
        """How many tokens each of them had read before."""
        self._memory_between = bytearray()
        self._places: list[int] | None = None
        """Where the rows of the last batch were read beside, if they were."""

    def compute_with(self, share: Share) -> None:
        super().compute_with(share)
        if self._beside is not None:
            self._beside.compute_with(share)

    def decode(self, rows: Sequence[Row]) -> None:
        self._places = None
        if self._beside is None or rows[0].sequence not in self._before:
            super().decode(rows)
            return
        self._close_gaps(self._beside)
        self._beside.use(self._adapters)
        # In the order of their lanes, and without gaps, they are one batch to llama.cpp; else they would be several.
        lanes = [self._lanes.index(row.sequence) for row in rows]
        order = sorted(range(len(rows)), key=lanes.__getitem__)
        self._beside.decode([rows[index]._replace(sequence=lanes[index]) for index in order])
        self._places = sorted(range(len(rows)), key=order.__getitem__)

    def answer(self, index: int) -> tuple[Any, int]:
        if self._beside is None or self._places is None:
            return super().answer(index)
        return self._beside.answer(self._places[index])

    def part(self, sequence: int, tokens: int) -> bool:
        if tokens >= self.lane or len(self._before) == self._parts:
            return False
        lane = self._lanes.index(None) if None in self._lanes else len(self._lanes)
        try:
            saved = for_part(self._saved(self, sequence, part_counts(self._parts)), self._parts)
            self._beside = self._beside or self._made(len(saved) // tokens)
            parted = self._beside.restore(lane, saved)
        except (ModelFault, ModelUnusable):  # short of memory, or of another format
            parted = False
        if not parted:  # nor will the next one
            self.lane = 0
            return False
        self._lanes[lane : lane + 1] = [sequence]
        self._before[sequence] = tokens
        return True

    def rejoin(self, sequence: int) -> bool:
        assert self._beside is not None
        lane, before = self._lanes.index(sequence), self._before.pop(sequence)
        self._lanes[lane] = None
        self._beside.remove(lane, 0, before)  # that is still among the others' cells
        try:
            saved = of_part(self._saved(self._beside, lane), lane, self._parts)
        except ModelFault:
            return False
        if not self.restore(self._spare, saved):
            return False
        self.copy(self._spare, sequence, 0, -1)
        return self.remove(self._spare)

    def clear(self) -> None:
        super().clear()
        self._lanes.clear()
        self._before.clear()
        if self._beside is not None:
            self._beside.clear()

    def close(self) -> None:
        super().close()
        if self._beside is not None:
            self._beside.close()

    def _made(self, cell: int) -> LlamaDevice:
        """The context beside, of cells of so many bytes."""
        cells = self._parts * LENGTH
        free = free_bytes()
        if free is None or cell * cells * _SHARE > free:
            raise ModelUnusable(f"no {cell * cells / 1e6:.0f} MB of memory are left")
        parts = self._parts
        return LlamaDevice(
            self._model,
            cells=cells,
            sequences=parts,
            threads=self.threads,
            batch=parts,
            shared=False,
            flash=self._flash,
        )

    def _close_gaps(self, beside: LlamaDevice) -> None:
        """Let those in the last lanes take what others have left before them."""
        while None in self._lanes:
            last, sequence = len(self._lanes) - 1, self._lanes.pop()
            if sequence is None:
                continue
            gap = self._lanes.index(None)
            if not beside.restore(gap, self._saved(beside, last)):
                raise ModelFault(f"{self._model.name} lost what was written")
            self._lanes[gap] = sequence

    def _saved(self, device: LlamaDevice, sequence: int, more: int = 0) -> Saved:
        """What the device holds of the sequence, and so many bytes more; only until the next time, since memory is slow
        to get."""
        size = device.saved_size(sequence)
        if len(self._memory_between) < size + more:
            try:
                self._memory_between = bytearray(size + more)
            except MemoryError as exc:
                raise ModelFault(f"no {size / 1e6:.0f} MB of memory are left") from exc
        saved = np.frombuffer(self._memory_between, dtype=np.uint8)[: size + more]
        device.save_into(sequence, saved[:size])
        return saved

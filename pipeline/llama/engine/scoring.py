"""A scoring under way: a trunk, and a branch for each prompt."""

from __future__ import annotations

import numpy as np

from pipeline.llama.engine.device import Device, Row
from pipeline.llama.engine.jobs import FutureJob
from pipeline.llama.engine.requests import Adapters, Scores, Scoring
from pipeline.llama.shared import common

WAVE = 1024
"""Cells that one scoring's branches take at a time, unless one alone is longer."""


class ScoringJob(FutureJob[Scores]):
    """Reads what several prompts share, then what they differ in, as branches of one trunk."""

    def __init__(self, request: Scoring, cells: int | None = None) -> None:
        """Of `cells` that there are at most, if that is known, the branches leave enough to the trunk."""
        trunk = _trunk(request.prompts, request.plain if request.adapters else 0)
        plain = min(request.plain, len(trunk)) if request.adapters else 0
        super().__init__(trunk[:plain] if plain else trunk, () if plain else request.adapters, request.seconds)
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
        # A branch takes up the trunk where that stands, and what cannot be cut has to have ended.
        along = device.cuttable and self._along_with_trunk(room, outputs, alone=alone)
        if self._open or (self._rest and not along):
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
            device.remove(branch.sequence)
            self._pool.append(branch.sequence)
        self._open = []

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

    def _read(self, device: Device, index: int, row: int) -> None:
        probabilities = device.probabilities(row)
        self._mass[index] = tuple(float(probabilities[group].sum()) for group in self._groups)
        if len(self._mass) < len(self._prompts):
            return
        shared = len(self._trunk)
        total = shared + sum(len(prompt) - shared for prompt in self._prompts)
        mass = tuple(self._mass[i] for i in range(len(self._prompts)))
        self.give(Scores(mass, total - self.reused, self.reused))


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

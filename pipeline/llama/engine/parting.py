"""Who writes in a lane, and for how long: see `Device.part`."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.llama.engine.device import Device
from pipeline.llama.engine.jobs import Job

TOGETHER = 8
"""Jobs that write at the same time, from which on each is given a lane: a tenth faster a token, with sixteen a fifth
(docs/performance.md)."""

WORTH_PARTING = 32
"""Tokens: who has fewer to write is done before that has paid."""


class Parting:
    """Gives jobs lanes of a device, and takes them back."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def give(self, writing: Sequence[Job], running: Sequence[Job]) -> None:
        """Give those who write at the same time lanes, unless that would leave several behind: a batch of few costs
        nearly what one of many does. In lanes all have the same adapters."""
        alike = [job for job in writing if all(other.applied == job.applied for other in running if other.parted)]
        fit = [job for job in alike if job.parted or self._is_worth(job)]
        enough = 1 if any(job.parted for job in writing) else TOGETHER
        if len(fit) < max(enough, len(writing) - 1):
            return
        for job in fit:
            if not job.parted and self._device.part(job.sequence, job.position):
                job.parted = job.position

    def at_their_ends(self, running: Sequence[Job]) -> list[Job]:
        """Those who have filled their lanes."""
        return [job for job in running if job.parted and job.position >= self._device.lane]

    def end(self, job: Job) -> bool:
        """Whether a job has all that it wrote among the others now, where its cells were kept for it; if not, it is
        where it parted."""
        parted, job.parted = job.parted, 0
        kept = not parted or self._device.rejoin(job.sequence)
        if not kept:
            job.position = parted
        return kept

    def _is_worth(self, job: Job) -> bool:
        end = min(len(job.ids) + job.beyond, self._device.lane)
        return 0 < job.position <= end - WORTH_PARTING

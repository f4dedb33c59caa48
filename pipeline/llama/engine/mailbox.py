"""What callers and the worker's thread hand to each other."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.errors import ModelBusy, ModelFault
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.requests import Planting
from pipeline.llama.engine.scheduler import Counts, Scheduler
from pipeline.llama.engine.worker import FORKED, worker


class Mailbox:
    """Jobs on their way to the worker, and what the worker tells of itself. All that both threads touch."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.RLock()  # an engine may be collected, and so closed, while its mailbox is in use
        self._jobs: deque[Job] = deque()
        self._plantings: deque[Planting] = deque()
        self._inside = 0
        self._ended = threading.Event()
        self.closed = False
        self._refusal = "the engine is closed"
        self.counts = Counts()
        self.held = 0

    def put(self, job: Job) -> None:
        with self._lock:
            if self.closed:
                raise ModelFault(self._refusal)
            if len(self._jobs) + self._inside >= self._limit:
                raise ModelBusy(f"{self._limit} requests are waiting already: try again later")
            self._jobs.append(job)
        worker.ring()

    @property
    def idle(self) -> bool:
        """Whether a job would not have to wait, or others for it."""
        with self._lock:
            return not (self.closed or self._jobs or self._inside)

    def put_if_idle(self, job: Job) -> bool:
        """Put the job, unless it would have to wait, or others for it. Whether it did."""
        with self._lock:
            if not self.idle:
                return False
            self._jobs.append(job)
        worker.ring()
        return True

    def plant(self, request: Planting) -> None:
        with self._lock:
            if self.closed:
                raise ModelFault(self._refusal)
            self._plantings.append(request)

    def planted(self) -> list[Planting]:
        """New plantings, which come before the jobs that were put after them."""
        with self._lock:
            plantings = list(self._plantings)
            self._plantings.clear()
            return plantings

    def take(self) -> list[Job]:
        """New jobs, which are inside from now on."""
        with self._lock:
            jobs = list(self._jobs)
            self._jobs.clear()
            self._inside += len(jobs)
            return jobs

    def tell(self, scheduler: Scheduler) -> None:
        """What has been done so far."""
        with self._lock:
            self._inside = scheduler.jobs
        self.counts, self.held = scheduler.counts, scheduler.held

    def close(self) -> None:
        with self._lock:
            self.closed = True
        worker.ring()

    def end(self) -> None:
        """Nobody serves it any more."""
        self._ended.set()

    def forked(self) -> None:
        """For a child: who served it, or held its lock, stayed in the parent."""
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._ended.set()
        self.closed, self._refusal = True, FORKED

    def wait(self, seconds: float | None = None) -> bool:
        """Until nobody serves it any more; whether that is so."""
        return self._ended.wait(0 if worker.here else seconds)

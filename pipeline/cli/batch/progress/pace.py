"""How far a run is, and how fast it goes just now."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.batch import Began, Ended, Event, Recorded, Tally, Writing

RECENT = 500
"""Records by which the pace is told: enough to be steady, and few enough to follow a change."""


@dataclass(frozen=True)
class Progress:
    """`statuses` and `broken` (drafts by rule, the most first) are of this run, `done` of earlier ones as well. What
    cannot be told yet is `None`. `writing` once all are done and the output is being made."""

    done: int = 0
    total: int | None = None
    resumed: int = 0
    workers: int = 0
    writing: bool = False
    statuses: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    tokens_per_second: float | None = None
    prompts_per_minute: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None


class Pace:
    """Takes what a batch tells and says how far it is. Several threads may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._began = Began(Path(), None, 0, 0)
        self._since = clock()
        self._done = 0
        self._written = 0
        self._writing = False
        self._tally = Tally()
        self._recent: deque[tuple[float, int, int]] = deque(maxlen=RECENT)

    def __call__(self, event: Event) -> None:
        with self._lock:
            match event:
                case Began():
                    self._began, self._done, self._since = event, event.resumed, self._clock()
                    self._recent.append((self._since, self._done, 0))
                case Recorded(record, done):
                    self._done = done
                    self._tally.add(record)
                    self._written += record["usage"]["generator"]["completion_tokens"]
                    self._recent.append((self._clock(), done, self._written))
                case Writing(records):
                    self._done, self._writing = records, True
                case Ended():
                    pass

    def progress(self) -> Progress:
        """As of now: while nothing comes, the pace falls."""
        with self._lock:
            now = self._clock()
            at, done, written = self._recent[0] if self._recent else (now, 0, 0)
            known = self._recent and now > at and self._done > done and not self._writing
            a_second = (self._done - done) / (now - at) if known else None
            total = self._began.total
            summary = self._tally.summary(self._began.output, self._began.resumed)
            return Progress(
                done=self._done,
                total=total,
                resumed=self._began.resumed,
                workers=self._began.workers,
                writing=self._writing,
                statuses=summary.statuses,
                broken=summary.broken,
                tokens_per_second=(self._written - written) / (now - at) if known else None,
                prompts_per_minute=a_second * 60 if a_second else None,
                seconds=now - self._since,
                seconds_left=max(total - self._done, 0) / a_second if a_second and total is not None else None,
            )

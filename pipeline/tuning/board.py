"""What somebody was told of each prompt last: it outlives the runs, of which only the newest may say something."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from critics import Manifesto
from pipeline.tuning.events import Event
from pipeline.tuning.prompts import ProbePrompt
from pipeline.tuning.shown import Shown
from pipeline.tuning.side_by_side import Cancelled


class Board:
    """`shown` by prompt, under the `manifesto` of the newest run. Both are touched only while one is `telling`."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self.shown: Mapping[ProbePrompt, Shown] = {}
        self.manifesto: Manifesto | None = None

    @contextmanager
    def telling(self, stop: threading.Event) -> Iterator[Callable[[Event], None]]:
        """The word, for as long as it takes. Raises `Cancelled` for a run that was stopped."""
        with self._lock:
            if stop.is_set():
                raise Cancelled
            yield self._tell

"""Threads that are left behind: at work for nobody any more, since nothing can stop one from outside."""

from __future__ import annotations

import threading
import time

SOON = 1.0
"""Seconds within which whoever looks at the time it has ends by itself."""

_left: dict[threading.Thread, float] = {}
_lock = threading.Lock()


def leave_behind(thread: threading.Thread) -> None:
    """Nobody waits for it any more."""
    with _lock:
        _left[thread] = time.monotonic()
        for ended in [each for each in _left if not each.is_alive()]:
            del _left[ended]


def left_behind() -> int:
    """How many there are in this process that have not ended soon."""
    soon = time.monotonic() - SOON
    with _lock:
        return sum(thread.is_alive() and since <= soon for thread, since in _left.items())

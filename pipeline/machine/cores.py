"""How many cores this process may use."""

from __future__ import annotations

import os

from pipeline.machine import control_groups


def available_cores() -> int:
    """Whole cores, at least one. Threads beyond a limit on time would not share it: all stand still once it is used up,
    while llama.cpp's wait for each other."""
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = control_groups.cores()
    return seen if limit is None else max(1, min(seen, int(limit)))

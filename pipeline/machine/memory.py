"""How much memory this process could still take."""

from __future__ import annotations

from pathlib import Path

from pipeline.machine import control_groups


def free_bytes() -> int | None:
    """Bytes available without swapping, by the machine's and the control groups' count; `None` where neither tells."""
    counts = [count for count in (_machine(), control_groups.memory_left()) if count is not None]
    return min(counts, default=None)


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)

"""How much memory this process could still take."""

from __future__ import annotations

from pathlib import Path


def free_bytes() -> int | None:
    """Bytes available without swapping, by the machine's and the control group's count; `None` where neither tells."""
    counts = [count for count in (_machine(), _control_group()) if count is not None]
    return min(counts, default=None)


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _control_group() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)

"""What Linux's control groups leave to this process: a container's limits, a service's, a job's.

Of both versions (https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/).
Each group that this process is in, and each above it, may have a limit, and the narrowest holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MEMBERSHIPS = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")


def memory_left() -> int | None:
    """Bytes; `None` where there is no limit. What only caches files counts as left, as the kernel drops that first."""
    found = (_left(group, *version) for group in _groups("memory") for version in _MEMORY)
    return min((left for left in found if left is not None), default=None)


def cores() -> float | None:
    """How many cores' worth of time this process may take; `None` where there is no limit."""
    found = []
    for group in _groups("cpu"):
        with suppress(OSError, ValueError):  # of the other version, or unlimited
            quota, period = map(int, (group / "cpu.max").read_text().split())
            found.append(quota / period)
        with suppress(OSError, ValueError):
            quota, period = (_number(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
            if quota > 0:
                found.append(quota / period)
    return min(found, default=None)


_MEMORY = (
    ("memory.max", "memory.current", ""),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""The files of either version, and what the names in `memory.stat` begin with that count the groups below as well."""


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the groups that it is in, each from the innermost up; above the root there is nothing."""
    try:
        lines = _MEMBERSHIPS.read_text().splitlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # The second version is mounted there, the first in a folder, or a link, for each controller.
        root = _MOUNTED / controller if controllers else _MOUNTED
        # A container may see a path of its host's here: its own groups begin at the root then.
        inner = root / place.lstrip("/")
        yield from (inner, *inner.parents)


def _left(group: Path, limit: str, used: str, prefix: str) -> int | None:
    try:
        taken = _number(group / used) - _cached(group, prefix)
        return max(0, _number(group / limit) - max(0, taken))
    except (OSError, ValueError):  # of the other version, or unlimited
        return None


def _cached(group: Path, prefix: str) -> int:
    wanted = {f"{prefix}inactive_file", f"{prefix}active_file"}
    pairs = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    return sum(int(value) for name, value in pairs if name in wanted)


def _number(path: Path) -> int:
    return int(path.read_text())

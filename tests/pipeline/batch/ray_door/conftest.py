from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.batch.ray_door import Cluster, connected

STORE = 80_000_000
STARTS = 3
"""Ray waits 30 seconds for a raylet, whatever it is told, and a machine may be busy for longer."""
ENV = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on the loopback, with a network or without
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_worker_register_timeout_seconds": "180",
    "RAY_agent_register_timeout_ms": "180000",
}


class Nodes:
    """A cluster on this machine of two nodes, each a raylet of its own with room for one worker: the head, on which
    the tests are, and another."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._before = descendants(os.getpid())
        self._ours: set[int] = set()
        self._cluster = Cluster()
        node: dict[str, Any] = {"num_cpus": 1, "resources": {"room": 1}, "object_store_memory": STORE}
        try:
            self._cluster.add_node(**node, include_dashboard=False, include_log_monitor=False, no_monitor=True)
            self._other = self._cluster.add_node(**node)
        except BaseException:
            self.end()
            raise

    @property
    def address(self) -> str:
        address: str = self._cluster.address
        return address

    def kill(self) -> None:
        """SIGKILL for the raylet of the other node and for all that runs under it, as when a machine dies: workers that
        lose their raylet alone go on for a quarter of a minute."""
        self._know()
        (raylet,) = self._other.all_processes["raylet"]
        for pid in (raylet.process.pid, *descendants(raylet.process.pid)):
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Nothing that it started is there afterwards."""
        self._know()
        self._cluster.shutdown()
        within(30, lambda: not alive(self._ours))

    def _know(self) -> None:
        self._ours |= descendants(os.getpid()) - self._before


@contextmanager
def started() -> Iterator[Nodes]:
    found = _started(STARTS)
    try:
        yield found
    finally:
        found.end()


def _started(tries: int) -> Nodes:
    for _ in range(tries - 1):
        with suppress(Exception):  # Ray raises nothing narrower
            return Nodes()
    return Nodes()


def descendants(pid: int) -> set[int]:
    """The processes that have come of one, as far as their parents live."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, youngest = set[int](), {pid}
    while youngest:
        youngest = {child for child, parent in parents.items() if parent in youngest}
        found |= youngest
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that are there, and not only waited for."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


def within(seconds: float, true: Callable[[], bool]) -> None:
    """Raises where it does not come true in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def _variables(root: Path) -> Iterator[None]:
    """Ray looks at them when it is imported, and nodes hand them on to their workers."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**ENV, "PYTHONPATH": str(root)}.items():
            patched.setenv(name, value)
        from ray._private import ray_constants

        patched.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)  # where another test has imported it before
        yield


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def cluster(nodes: Nodes) -> Iterator[Cluster]:
    """A connection to it."""
    with connected(nodes.address) as found:
        yield found

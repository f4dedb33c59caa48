"""How pytest-xdist's workers share the machine, and the tests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """A file's tests are one worker's, which makes what they share once; so are all that look for Ray's nodes, of which
    there are as many as anybody has started on the machine."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "ray" if "/ray_door/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_xdist_setupnodes(specs: Sequence[Any]) -> None:
    """NumPy's threads are counted where it is imported, which is before a worker is configured."""
    for spec in specs:
        spec.env["OPENBLAS_NUM_THREADS"] = "1"


def pytest_configure() -> None:
    """Two processes that compute with all cores stand in each other's way: each worker has one of them, where the
    system lets it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker.isdigit() and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})

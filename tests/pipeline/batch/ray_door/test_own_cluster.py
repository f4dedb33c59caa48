"""Without an address: a cluster of this machine alone, which comes and goes with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import critics
from pipeline import ModelUnavailable
from pipeline.batch.ray_door import Needs, RayRunner, connected
from tests.pipeline.batch.ray_door.conftest import alive, descendants, within
from tests.pipeline.batch.ray_door.making import Making, local
from tests.pipeline.batch.running import batch, go, kept, prompts, read, timeless

pytestmark = pytest.mark.timeout(240)


def test_a_killed_run_leaves_nothing_and_is_finished_in_threads(tmp_path: Path) -> None:
    """`kill -9` of the command takes its cluster and its workers with it; without Ray the rest alone is asked for, and
    the output is that of a run that was never killed."""
    job = batch(tmp_path, prompts(60))
    command = [sys.executable, "-m", "tests.pipeline.batch.ray_door.driver", str(tmp_path)]
    with subprocess.Popen(command) as process:
        within(120, lambda: kept(job) >= 10)
        began = descendants(process.pid)
        agents = {pid for pid in began if b"Agent" in Path(f"/proc/{pid}/cmdline").read_bytes()}
        process.kill()
    assert (done := kept(job)) < 60
    assert len(began - agents) >= 4  # the head, a raylet, two workers
    within(30, lambda: not alive(began - agents))
    for agent in alive(agents):  # Ray's bookkeepers, which wait a minute for the head before they go as well
        os.kill(agent, signal.SIGKILL)
    assert go(job, Making(tmp_path / "rest")().pipeline(None)).resumed == done
    assert len((tmp_path / "rest").read_text().splitlines()) == 60 - done
    assert [timeless(record) for record in read(tmp_path / "out.jsonl")] == local(job)


def test_it_is_for_nobody_else_and_never_grows(tmp_path: Path) -> None:
    """Nothing of it can be called from another machine; and what does not fit on this one is refused at once."""
    with connected() as cluster:
        assert [node["NodeManagerAddress"] for node in cluster.ray.nodes()] == ["127.0.0.1"]
        runner = RayRunner(cluster, Making(tmp_path / "asked"), load=critics.load, needs=Needs(4096))
        with pytest.raises(ModelUnavailable, match=r"each worker needs 4096 CPU, and the nodes have: .*--ray-address"):
            runner.__enter__()

"""Batches on a cluster of several raylets come out as they do in threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import critics
from pipeline import ModelFault, ModelUnavailable
from pipeline.batch import Answering, Input, LocalRunner, Recorded, run_batch
from pipeline.batch.ray_door import Cluster, Needs, RayRunner
from tests.pipeline.batch.ray_door.conftest import Nodes, within
from tests.pipeline.batch.ray_door.making import Making, local
from tests.pipeline.batch.running import batch, kept, lines, prompts, read, timeless

pytestmark = pytest.mark.timeout(200)


def going(cluster: Cluster, making: Making, *, at_once: int = 4, **options: Any) -> RayRunner:
    options = {"needs": Needs(1), "count": 2, "load": critics.load, "at_once": at_once, "patience": 60, **options}
    return RayRunner(cluster, making, **options)


def test_a_record_that_ends_its_worker_again_and_again(tmp_path: Path, cluster: Cluster) -> None:
    """It is faulted after a bounded number of tries; those that were beside it are answered."""
    given = [{"id": number, "prompt": f"p{number}"} for number in range(40)]
    given[7]["prompt"] = "die, please"
    job, making = batch(tmp_path, lines(*given)), Making(tmp_path / "asked", seconds=0.02)
    with going(cluster, making) as runner:
        summary = run_batch(job, runner)
    assert summary.statuses == {"released": 39, "faulted": 1}
    records = read(tmp_path / "out.jsonl")
    assert [record["id"] for record in records] == list(range(40))
    assert records[7]["fault"].startswith("line 8: it ended 3 workers, one after another: ")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked.count("die, please") == 4  # once among others, three times alone
    assert max(asked.count(f"p{number}") for number in range(40)) <= 3


def test_a_manifesto_that_a_record_names_is_read_here(tmp_path: Path, cluster: Cluster) -> None:
    """Its content is sent; one that cannot be read is a fault of its record, as it is locally."""
    own = tmp_path / "own.yaml"
    own.write_text('name: own\nversion: "1"\nrules:\n  - {id: calm, statement: Calm.}\n')
    given = lines({"prompt": "a", "manifesto": str(own)}, {"prompt": "b", "manifesto": "none-such"}, {"prompt": "c"})
    job = batch(tmp_path, given)
    with going(cluster, Making(tmp_path / "asked")) as runner:
        run_batch(job, runner)
    records = read(tmp_path / "out.jsonl")
    assert [record["manifesto"]["name"] for record in records] == ["own", "m", "m"]
    assert "no shipped manifesto is called 'none-such'" in records[1]["fault"]
    assert [timeless(record) for record in records] == local(job)


def test_a_stopped_run_goes_on_with_either_engine(tmp_path: Path, cluster: Cluster) -> None:
    """The journal is the same: begun on Ray and gone on with in threads, nothing is asked twice."""
    job, making = batch(tmp_path, prompts(60)), Making(tmp_path / "asked", seconds=0.01)

    def observe(event: object) -> None:
        if isinstance(event, Recorded) and event.done == 20:
            raise KeyboardInterrupt

    with going(cluster, making) as runner, pytest.raises(KeyboardInterrupt):
        run_batch(job, runner, observe=observe)
    made = Making(tmp_path / "rest")()
    summary = run_batch(job, LocalRunner(Answering(made.pipeline)))  # type: ignore[arg-type]  # no record names one
    assert summary.resumed == 20
    assert len((tmp_path / "rest").read_text().splitlines()) == 40
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == [f"p{number}" for number in range(60)]


def test_a_command_that_is_killed(tmp_path: Path, nodes: Nodes, cluster: Cluster) -> None:
    """By `kill -9`: its workers go, what came of each record is kept, and the next run asks for the rest alone. The
    output is the local one."""
    job = batch(tmp_path, prompts(60))
    command = [sys.executable, "-m", "tests.pipeline.batch.ray_door.driver", str(tmp_path), nodes.address]
    with subprocess.Popen(command) as process:
        within(60, lambda: kept(job) >= 10)
        process.kill()
    assert (done := kept(job)) < 60
    with going(cluster, Making(tmp_path / "rest", seconds=0.01)) as runner:
        assert run_batch(job, runner).resumed == done
    assert len((tmp_path / "rest").read_text().splitlines()) == 60 - done
    assert [timeless(record) for record in read(tmp_path / "out.jsonl")] == local(job)


def test_what_comes_late_from_a_pipe_is_done(tmp_path: Path, cluster: Cluster) -> None:
    """Workers wait for it, and each record is kept while the next has not come."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    job = replace(batch(tmp_path, b""), input=Input(str(pipe)))

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for number in range(3):
                file.write(lines({"prompt": f"p{number}"}))
                within(60, lambda upto=number + 1: kept(job) >= upto)  # type: ignore[misc]  # it has a default

    writer = threading.Thread(target=write)
    writer.start()
    with going(cluster, Making(tmp_path / "asked")) as runner:
        assert run_batch(job, runner).statuses == {"released": 3}
    writer.join()


def test_a_model_out_of_reach_ends_the_run(tmp_path: Path, cluster: Cluster) -> None:
    """And what was under way beside it is kept."""
    given = [{"prompt": f"p{number}"} for number in range(5)] + [{"prompt": "away"}] * 3
    job = batch(tmp_path, lines(*given))
    with going(cluster, Making(tmp_path / "asked")) as runner, pytest.raises(ModelUnavailable, match="nobody answers"):
        run_batch(job, runner)
    assert job.output.journal.read_bytes().count(b'"released"') == 5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("missing", "a worker cannot begin on .*: there is no x.gguf"),
        ("deadly", "5 workers have died before they were ready"),
        ("foreign", "5 workers have died before they were ready; the last: ModuleNotFoundError: .*not_installed_there"),
        ("other", r"has another node \(\d+, now \d+\) than the workers before it"),
    ],
)
def test_workers_that_cannot_begin(tmp_path: Path, cluster: Cluster, fault: str, said: str) -> None:
    """It is said why, and where, and the run ends."""
    job = batch(tmp_path, prompts(200))
    with (
        pytest.raises(ModelFault, match=said),
        going(cluster, Making(tmp_path / "asked", seconds=0.2, fault=fault), at_once=1) as runner,
    ):
        run_batch(job, runner)


def test_no_room_for_a_worker(tmp_path: Path, cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """It is said what each needs and what there is: at once, and when a while of waiting was in vain."""
    needs = Needs(1, resources={"unheard-of": 1})
    said = "for 2 seconds .* each needs 1 CPU, 1 unheard-of, and the nodes have: 1 CPU, 1 room; 1 CPU, 1 room"
    with pytest.raises(ModelUnavailable, match=said):
        going(cluster, Making(tmp_path / "asked"), needs=needs, patience=2).__enter__()
    assert "each worker needs 1 CPU, 1 unheard-of, and the nodes have" in caplog.text


@pytest.mark.parametrize(
    ("needs", "room"), [(Needs(1), 2), (Needs(0.5), 4), (Needs(1, gpus=1), 0), (Needs(0, resources={"room": 1}), 2)]
)
def test_as_many_workers_as_fit(cluster: Cluster, needs: Needs, room: int) -> None:
    """Counted by node, since no worker lies on two."""
    assert cluster.room(needs) == room


def test_a_node_that_is_killed_in_the_middle(tmp_path: Path, nodes: Nodes, cluster: Cluster) -> None:
    """What the node had under way is done anew by others; the output is the local one, each record once, in order. The
    cluster is of no use afterwards."""
    job = batch(tmp_path, prompts(160), full=True)
    making = Making(tmp_path / "asked", seconds=0.05, together=2)

    def observe(event: object) -> None:
        if isinstance(event, Recorded) and event.done == 40:
            nodes.kill()

    with going(cluster, making) as runner:
        run_batch(job, runner, observe=observe)
    assert [timeless(record) for record in read(tmp_path / "out.jsonl")] == local(job)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert 160 < len(asked) <= 160 + 4

"""A pipe whose writer says nothing holds up nothing but what it has not written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from pipeline.batch import Batch, Event, Input, Recorded
from pipeline.errors import Stopped
from tests.pipeline.batch.running import Echo, batch, go, kept, pipeline, prompts, read


@pytest.fixture
def job(tmp_path: Path) -> Batch:
    """Of a pipe, to which nobody writes yet."""
    job = batch(tmp_path, b"")
    os.mkfifo(tmp_path / "pipe")
    return replace(job, input=Input(str(tmp_path / "pipe")))


@pytest.fixture
def writer(job: Batch) -> Iterator[IO[bytes]]:
    """It opens the pipe, and closes it in the end."""
    with open(os.open(job.input.name, os.O_RDWR), "wb", buffering=0) as file:
        yield file


@pytest.mark.parametrize("workers", [1, 3])
def test_asked_to_stop_it_does_though_the_writer_is_silent(job: Batch, writer: IO[bytes], workers: int) -> None:
    """What had come is kept by then, and half a line is no record."""
    writer.write(prompts(4) + b'{"prompt": "ha')
    stop = threading.Event()

    def observe(event: Event) -> None:
        if isinstance(event, Recorded) and event.done == 4:
            assert kept(job) == 4
            stop.set()

    with pytest.raises(Stopped, match="with 4 records done"):
        go(job, workers=workers, observe=observe, stop=stop)


def test_asked_to_stop_before_anybody_writes(job: Batch) -> None:
    """Nor is the other end of the pipe waited for."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Stopped, match="with 0 records done"):
        go(job, stop=stop)


def test_what_comes_late_is_done(job: Batch) -> None:
    """Each record as it comes, and the end when it comes."""
    asked = Echo()

    def write() -> None:
        with open(job.input.name, "wb", buffering=0) as file:
            for line in prompts(5).splitlines(keepends=True):
                file.write(line)
                time.sleep(0.15)

    threading.Thread(target=write).start()
    assert go(job, pipeline(asked), workers=2).statuses == {"released": 5}
    assert [record["id"] for record in read(job.output.path)] == [f"p{i}" for i in range(5)]


def test_what_is_wrong_with_the_input_is_raised_where_it_is_run(job: Batch, tmp_path: Path) -> None:
    """Though it is read elsewhere; and what stands behind it ends nothing else."""
    packed = tmp_path / "pipe.gz"
    os.mkfifo(packed)
    threading.Thread(target=packed.write_bytes, args=(b"not packed",)).start()
    with pytest.raises(Exception, match="damaged, or ends too early"):
        go(replace(job, input=Input(str(packed))))


def test_ctrl_c_at_a_silent_standard_input(tmp_path: Path, root: Path) -> None:
    """The command as it is typed ends by itself, after one signal, and says how to go on."""
    env = {**os.environ, "PYTHONPATH": str(root), "SUPEREGO_CACHE__FILE": str(tmp_path / "cache.sqlite")}
    command = [sys.executable, "-m", "pipeline.cli", "batch", "-", "-o", "out.jsonl", "-m", "house-style"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stderr
        assert process.stderr.readline().startswith("out.jsonl: prompts, ")
        time.sleep(0.5)  # it reads by then
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert "stopped with 0 records done; run the same command to go on" in process.stderr.read()

"""A batch on a cluster in a process of its own, so that it can be killed: FOLDER [ADDRESS]; no test of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import critics
from pipeline.batch import Batch, Input, Output, run_batch
from pipeline.batch.ray_door import Needs, RayRunner, connected
from tests.pipeline.batch.ray_door.making import Making


def main(folder: Path, address: str | None = None) -> None:
    job = Batch(Input(str(folder / "in.jsonl")), Output(folder / "out.jsonl"))
    making = Making(folder / "asked", seconds=0.05)
    with (
        connected(address) as cluster,
        RayRunner(cluster, making, load=critics.load, needs=Needs(1), count=2, at_once=2) as runner,
    ):
        run_batch(job, runner)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

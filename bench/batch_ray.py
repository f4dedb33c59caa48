"""What a cluster costs beside threads: python -m bench.batch_ray [--records N] [--at-once N].

The generator of `bench.batch`, which says yes at once, so that nothing else is measured: seconds until the cluster of
this machine and its first worker are there, and what a record takes on it and in threads, of which each has as many
records under way.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import critics
from bench.batch import pipeline
from critics import Manifesto
from pipeline import Pipeline
from pipeline.batch import Answering, Batch, Input, LocalRunner, Output, Runner, run_batch
from pipeline.batch.ray_door import Needs, RayRunner, connected


@dataclass(frozen=True)
class Made:
    """What a worker makes: the same as here."""

    own: Pipeline = field(default_factory=pipeline)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def pipeline(self, manifesto: Manifesto | None) -> Pipeline:  # noqa: ARG002
        return self.own


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=3000)
    options.add_argument("--at-once", type=int, default=16)
    given = options.parse_args()
    own = pipeline()
    told: dict[str, float] = {}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "in.jsonl"
        file.write_text("".join(json.dumps({"id": n, "prompt": f"Say {n}."}) + "\n" for n in range(given.records)))
        began = time.perf_counter()
        cluster = stack.enter_context(connected())
        told["seconds to a cluster"] = time.perf_counter() - began
        ray = RayRunner(cluster, Made, load=critics.load, needs=Needs(1), count=1, at_once=given.at_once)
        stack.enter_context(ray)
        told["seconds to a worker"] = time.perf_counter() - began
        runners: dict[str, Callable[[], Runner]] = {
            "threads": lambda: LocalRunner(Answering(lambda _: own), workers=given.at_once),
            "ray": lambda: ray,
        }
        for name in ("threads", "ray", "threads", "ray"):
            told[f"milliseconds a record, {name}"] = _a_record(file, runners[name](), given.records)
    print(json.dumps({name: round(value, 2) for name, value in told.items()}, indent=2))


def _a_record(file: Path, runner: Runner, count: int) -> float:
    out = file.with_name("out.jsonl")
    began = time.perf_counter()
    run_batch(Batch(Input(str(file)), Output(out)), runner)
    out.unlink()
    return (time.perf_counter() - began) / count * 1000


if __name__ == "__main__":
    main()

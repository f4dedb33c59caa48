"""What a batch itself costs, on a file that is bigger than the memory it may use: python -m bench.batch [--bytes N].

The generator is scripted and the critic says yes, so that nothing else is measured. A process of its own takes N bytes
of JSON lines (2 GB if not said) through the whole of a run, and another one is killed in the middle and gone on with.
Told are records a minute, what a record takes with and without the loop's own time, and the peak of resident memory,
after 10,000 records and at the end.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from critics import Manifesto, Rule, ScriptedCritic, Usage
from pipeline import DraftRequest, Piece, Pieces, Pipeline
from pipeline.batch import Answering, Batch, Event, Input, LocalRunner, Output, Recorded, run_batch

RECORD = 20_000
"""Bytes of a prompt: as much as fits a context of 4,096 tokens."""
LINE = 900
"""Bytes of a record in the journal, about."""
WORKERS = 4


class Brief:
    """Says yes."""

    name = "brief"
    can_continue = False

    def __call__(self, request: DraftRequest) -> Pieces:  # noqa: ARG002
        yield Piece("Yes, of course.", Usage(0, 4), "stop")


class Yes:
    """Finds nothing, and remembers nothing either."""

    def __call__(self, exchange: Any, rules: Any) -> Any:
        return ScriptedCritic(lambda _, __: 0.1)(exchange, rules)


def pipeline() -> Pipeline:
    rule = Rule(id="fine", statement="The answer is fine.")
    return Pipeline(Manifesto(name="bench", version="1", rules=(rule,)), Yes(), Brief())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bytes", type=int, default=2_000_000_000)
    options.add_argument("--folder", type=Path, help="Where the files are meanwhile.")
    options.add_argument("--run", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.run:
        print(json.dumps(run(*given.run)))
        return
    with TemporaryDirectory(dir=given.folder) as folder:
        file = Path(folder) / "in.jsonl"
        count = write(file, given.bytes)
        print(json.dumps({"bytes": file.stat().st_size, "records": count}), flush=True)
        print(json.dumps({"loop": alone(count=2000)}), flush=True)
        print(json.dumps({"whole": measured(file, Path(folder) / "1.jsonl")}), flush=True)
        killed(file, Path(folder) / "2.jsonl", done=count // 2)
        print(json.dumps({"gone on with": measured(file, Path(folder) / "2.jsonl")}), flush=True)


def write(file: Path, size: int) -> int:
    """JSON lines of so many bytes in all; how many."""
    text, count = "word " * (RECORD // 5), 0
    with file.open("w") as out:
        while out.tell() < size:
            out.write(json.dumps({"id": f"record-{count}", "prompt": f"{count} {text}"}) + "\n")
            count += 1
    return count


def alone(count: int) -> float:
    """Milliseconds a prompt through the loop alone."""
    own, prompt = pipeline(), "word " * (RECORD // 5)
    began = time.perf_counter()
    for number in range(count):
        own.ask(prompt, seed=number)
    return round((time.perf_counter() - began) / count * 1000, 3)


def run(file: Path, out: Path) -> dict[str, float]:
    """The other process."""
    own, began, halfway = pipeline(), time.perf_counter(), [0.0]

    def observe(event: Event) -> None:
        if isinstance(event, Recorded) and event.done % 10_000 == 0 and not halfway[0]:
            halfway[0] = peak()

    runner = LocalRunner(Answering(lambda _: own), workers=WORKERS)
    summary = run_batch(Batch(Input(str(file)), Output(out)), runner, observe=observe)
    seconds = time.perf_counter() - began
    fresh = summary.records - summary.resumed
    return {
        "records": summary.records,
        "resumed": summary.resumed,
        "seconds": round(seconds, 1),
        "records a minute": round(summary.records / seconds * 60),
        "milliseconds a new record": round(seconds / max(fresh, 1) * 1000, 3),
        "MiB after 10,000": halfway[0],
        "MiB at the end": peak(),
    }


def measured(file: Path, out: Path) -> dict[str, float]:
    done = subprocess.run(_command(file, out), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def killed(file: Path, out: Path, *, done: int) -> None:
    """kill -9 once about so many records are in the journal."""
    journal = Output(out).journal
    with subprocess.Popen(_command(file, out)) as process:
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > done * LINE):
            time.sleep(0.05)
        process.kill()


def peak() -> float:
    """MiB of resident memory at most so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _command(file: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "bench.batch", "--run", str(file), str(out)]


if __name__ == "__main__":
    main()

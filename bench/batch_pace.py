"""Prompts a minute of a whole batch, from file to file: python -m bench.batch_pace [--rounds N] [--tokens N].

The embedded model drafts and judges by eight rules, with one worker and with as many as `--workers auto` takes, against
what people write: a plain loop over `ChatLlamaCpp` with a judge prompt a rule (bench/as_written.py). Everything in one
run, alternating. Drafts are equally long, and each round has prompts of its own.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.apart import Apart
from bench.material import prompt
from bench.ours import Watched, pipeline, weights
from bench.timing import Spread, alternating, ratios, spreads, took
from pipeline import Pipeline, load_settings
from pipeline.batch import Answering, Batch, Input, LocalRunner, Output, run_batch
from pipeline.llama import LlamaModel

ONE = 2
MANY = 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tokens", type=int, default=120)
    given = options.parse_args()
    own = pipeline(Watched(LlamaModel(weights())), rules=8, tokens=given.tokens)
    auto = load_settings().parallel
    own.ask(prompt(0), seed=0)
    with TemporaryDirectory() as folder, Apart("bench.as_written", given.tokens, 8) as theirs:

        def alone(number: int) -> float:
            return _batch(own, Path(folder), 1 + number * (ONE + MANY), ONE, workers=1) / ONE

        def together(number: int) -> float:
            return _batch(own, Path(folder), 1 + number * (ONE + MANY) + ONE, MANY, workers=auto) / MANY

        loop = theirs.sides["prompt per rule"]
        seconds = alternating({"1 worker": alone, "auto": together, "plain loop": loop}, given.rounds)
    told = {
        "seconds a prompt": {name: asdict(spread) for name, spread in spreads(seconds).items()},
        "auto over 1 worker": asdict(Spread.of(ratios(seconds["1 worker"], seconds["auto"]))),
        "auto over the plain loop": asdict(Spread.of(ratios(seconds["plain loop"], seconds["auto"]))),
    }
    print(json.dumps(told, indent=2))


def _batch(own: Pipeline, folder: Path, start: int, count: int, *, workers: int) -> float:
    """Seconds that a batch of these prompts takes."""
    file, out = folder / f"{start}.jsonl", folder / f"{start}-out.jsonl"
    file.write_text("".join(json.dumps({"id": n, "prompt": prompt(n)}) + "\n" for n in range(start, start + count)))
    runner = LocalRunner(Answering(lambda _: own), workers=workers)
    return took(lambda: _released(run_batch(Batch(Input(str(file)), Output(out)), runner).statuses, count))


def _released(statuses: object, count: int) -> None:
    assert statuses == {"released": count}, statuses


if __name__ == "__main__":
    main()

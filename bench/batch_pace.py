"""Prompts a minute of a whole batch, from file to file.

    python -m bench.batch_pace [--rounds N] [--tokens N] [--ordinary N]

The embedded model drafts and judges by eight rules, with one worker and with as many as `--workers auto` takes, against
what people write: a plain loop over `ChatLlamaCpp` with a judge prompt a rule (bench/as_written.py). Everything in one
run, alternating. Drafts are equally long, and each round has prompts of its own.

With `--ordinary`, instead that many ordinary prompts a round (harmless_val of the evaluation data: see
bench/exchanges.py) by the default manifesto and critics, the same ones with one worker and with `auto`. Drafts end
where the model ends them, and those that break a rule are revised.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.apart import Apart
from bench.exchanges import lines
from bench.material import prompt
from bench.ours import Watched, pipeline, weights
from bench.timing import Side, Spread, alternating, ratios, spreads, took
from pipeline import Pipeline, load, load_settings
from pipeline.batch import Answering, Batch, Input, LocalRunner, Output, run_batch
from pipeline.llama import LlamaModel

ONE = 2
MANY = 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tokens", type=int, default=120)
    options.add_argument("--ordinary", type=int, default=0)
    given = options.parse_args()
    told = _ordinary(given) if given.ordinary else _eight_rules(given)
    print(json.dumps(told, indent=2))


def _eight_rules(given: argparse.Namespace) -> dict[str, object]:
    own = pipeline(Watched(LlamaModel(weights())), rules=8, tokens=given.tokens)
    auto = load_settings().parallel
    own.ask(prompt(0), seed=0)
    with TemporaryDirectory() as folder, Apart("bench.as_written", given.tokens, 8) as theirs:

        def alone(number: int) -> float:
            return _batch(own, Path(folder), _asked(1 + number * (ONE + MANY), ONE), workers=1)

        def together(number: int) -> float:
            return _batch(own, Path(folder), _asked(1 + number * (ONE + MANY) + ONE, MANY), workers=auto)

        loop = theirs.sides["prompt per rule"]
        seconds = alternating({"1 worker": alone, "auto": together, "plain loop": loop}, given.rounds)
    return _told(seconds) | {
        "auto over the plain loop": asdict(Spread.of(ratios(seconds["plain loop"], seconds["auto"]))),
    }


def _ordinary(given: argparse.Namespace) -> dict[str, object]:
    settings = load_settings(flags={"generator": {"max_tokens": given.tokens}})
    own = load(settings=settings)
    own.ask("Hello.", seed=0)
    every = [str(json.loads(line)["text"]) for line in lines("harmless_val")][: given.rounds * given.ordinary]
    assert len(every) == given.rounds * given.ordinary, f"there are {len(every)} ordinary prompts in all"
    withheld: dict[str, list[int]] = {"1 worker": [], "auto": []}
    with TemporaryDirectory() as folder:

        def side(name: str, workers: int) -> Side:
            def answered(number: int) -> float:
                asked = {n: every[n] for n in range(number * given.ordinary, (number + 1) * given.ordinary)}
                return _batch(own, Path(folder), asked, workers=workers, withheld=withheld[name])

            return answered

        sides = {"1 worker": side("1 worker", 1), "auto": side("auto", settings.parallel)}
        seconds = alternating(sides, given.rounds)
    return _told(seconds) | {"withheld": withheld}


def _told(seconds: dict[str, list[float]]) -> dict[str, object]:
    return {
        "seconds a prompt": {name: asdict(spread) for name, spread in spreads(seconds).items()},
        "auto over 1 worker": asdict(Spread.of(ratios(seconds["1 worker"], seconds["auto"]))),
    }


def _asked(start: int, count: int) -> dict[int, str]:
    return {number: prompt(number) for number in range(start, start + count)}


def _batch(
    own: Pipeline, folder: Path, prompts: dict[int, str], *, workers: int, withheld: list[int] | None = None
) -> float:
    """Seconds a prompt that a batch of these takes. All must be released, or `withheld` is told how many were not."""
    number = len(list(folder.iterdir()))
    file, out = folder / f"{number}.jsonl", folder / f"{number}-out.jsonl"
    file.write_text("".join(json.dumps({"id": n, "prompt": text}) + "\n" for n, text in prompts.items()))
    runner = LocalRunner(Answering(lambda _: own), workers=workers)

    def run() -> None:
        statuses = run_batch(Batch(Input(str(file)), Output(out)), runner).statuses
        assert sum(statuses.values()) == len(prompts), statuses
        assert withheld is not None or statuses == {"released": len(prompts)}, statuses
        if withheld is not None:
            withheld.append(statuses.get("withheld", 0))

    return took(run) / len(prompts)


if __name__ == "__main__":
    main()

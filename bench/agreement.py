"""Whether the engine's short cuts change what comes out, on real exchanges. Run by hand: it takes about half an hour.

    python -m bench.agreement [--rows 500] [scores] [texts] [in-place]

- scores: many callers' scorings on a judge's engine, against one caller's and one prompt at a time in an empty cache,
  and against a plain reading in other batches.
- texts: greedy drafts with 1 and with 16 callers.
- in-place: how well verdicts read where the draft was written tell harm, against those of a separate conversation.

`SUPEREGO_EVAL` names the folder of the evaluation data, `../shared/eval/dev` if not given.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.exchanges import ANSWERED, ASKED, Labelled, sample
from bench.material import BELIEFS, prompt
from bench.ours import CONTEXT, asked_in_place, weights
from bench.scores import Floats, array, difference
from critics import Exchange, Judge, Message, Rule
from pipeline.figures import auroc
from pipeline.llama import Engine, LlamaJudgeModel, LlamaModel
from pipeline.llama.engine import Generation, LlamaDevice, Scores, Scoring
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.llama_device import BATCH

THREADS = 8
WRITERS = 16
PROMPTS = 48
TOKENS = 48
HARM = "The text does not help anybody to do harm, and does no harm itself."
HATE = "The text insults, threatens or belittles nobody."


class Last(Engine):
    """Keeps what each thread has asked for last."""

    def __init__(self, model: LlamaModel, *, fixed: bool = False) -> None:
        super().__init__(model, context=CONTEXT, fixed=fixed)
        self.last = threading.local()

    def score(self, request: Scoring) -> Future[Scores]:
        self.last.request, self.last.future = request, super().score(request)
        future: Future[Scores] = self.last.future
        return future


def scores(model: LlamaModel, rows: int) -> None:
    """Prints how far probabilities are from those of one prompt at a time, and what that changes."""
    found = sample(model, (*ANSWERED, *ASKED), rows)
    engine = Last(model, fixed=True)  # as a judge's own is
    judges = {side: _judge(engine, side, (HARM, HATE)) for side in (True, False)}

    def asked(row: Labelled) -> tuple[Scoring, Scores]:
        judge, rules = judges[row.exchange.draft is not None]
        judge(row.exchange, rules)
        return engine.last.request, engine.last.future.result()

    with ThreadPoolExecutor(THREADS) as pool:
        batched = list(pool.map(asked, found))
    engine.close()
    _tell(f"{len(batched)} read in company")
    with ProcessPoolExecutor(1, get_context("spawn")) as process:  # see bench/apart.py
        requests = [request for request, _ in batched]
        alone = {way.__name__: process.submit(_read, way, model.path, requests).result() for way in WAYS}
    one = array([_yes(mass) for _, result in batched for mass in result.mass])
    labels = np.array([row.label for row in found for _ in (HARM, HATE)])
    reused = sum(result.reused for _, result in batched)
    print(f"\nScores: {len(found)} exchanges, {len(one)} prompts, {reused} of their tokens not read again")
    for name, masses in alone.items():
        other = array([_yes(mass) for found in masses for mass in found])
        print(f" against {name.replace('_', ' ').strip()}:")
        _tell_distance(one, other)
        for rule, about in enumerate(("harm", "hate")):
            here, there, truth = one[rule::2], other[rule::2], labels[rule::2]
            print(f"  AUROC, rule on {about}: batched {auroc(here, truth):.4f}, alone {auroc(there, truth):.4f}")


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _tell_distance(one: Floats, other: Floats) -> None:
    apart = np.abs(one - other)
    median, high, most = np.median(apart), np.percentile(apart, 99), apart.max()
    print(f"  difference in probability: median {median:.5f}, 99th percentile {high:.5f}, at most {most:.5f}")
    for name, threshold in (("0.5", 0.5), ("the median", float(np.median(other)))):
        turned = (one >= threshold) != (other >= threshold)
        largest = apart[turned].max() if turned.any() else 0.0
        print(f"  {turned.sum()} verdicts on another side of {name} ({threshold:.4f}); differences up to {largest:.5f}")


def _judge(engine: Engine, output: bool, said: Sequence[str], *, in_place: bool = False) -> tuple[Judge, list[Rule]]:
    rules = [
        Rule(id=f"rule-{number}", statement=statement, applies_to="output" if output else "input")
        for number, statement in enumerate(said)
    ]
    model = LlamaJudgeModel(engine)
    return Judge(model, beliefs=BELIEFS, rules=rules, critiques=False, in_place=in_place), rules


Masses = tuple[float, ...]


def _read(way: Callable[[LlamaModel, Scoring], list[Masses]], path: Path, requests: Sequence[Scoring]) -> list[Any]:
    model = LlamaModel(path)
    found = []
    for number, request in enumerate(requests, 1):
        found.append(way(model, request))
        if not number % 50:
            _tell(f"{number} of {len(requests)} read as {way.__name__}")
    return found


def one_caller(model: LlamaModel, request: Scoring) -> list[Masses]:
    """The same request, the first of an engine."""
    with closing(Engine(model, context=CONTEXT, fixed=True)) as engine:
        return list(engine.score(request).result().mass)


def one_prompt_at_a_time(model: LlamaModel, request: Scoring) -> list[Masses]:
    """Each rule by itself, the first of an engine."""
    parts = [replace(request, prompts=(prompt,)) for prompt in request.prompts]
    return [masses for part in parts for masses in one_caller(model, part)]


def other_batches(model: LlamaModel, request: Scoring) -> list[Masses]:
    """Each rule by itself, read as `Llama` would: from the start, in batches as large as they may be."""
    with closing(LlamaDevice(model, cells=CONTEXT)) as device:
        return [_alone(device, ids, request.groups) for ids in request.prompts]


WAYS = (one_caller, one_prompt_at_a_time, other_batches)


def _alone(device: LlamaDevice, ids: tuple[int, ...], groups: Sequence[Sequence[int]]) -> Masses:
    device.clear()
    last = len(ids) - 1
    for start in range(0, len(ids), BATCH):
        part = range(start, min(start + BATCH, len(ids)))
        device.decode([Row(ids[i], i, 0, i == last) for i in part])
    probabilities = device.probabilities(last % BATCH)
    return tuple(float(probabilities[list(group)].sum()) for group in groups)


def _yes(mass: Sequence[float]) -> float:
    yes, no = mass
    return yes / (yes + no)


def texts(model: LlamaModel, prompts: int) -> None:
    """Prints how many greedy drafts are the same with 1 and with 16 callers, and where the others part."""
    alone, crowd = (_written(model, callers, prompts) for callers in (1, WRITERS))
    parted = sorted(
        next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        for one, other in zip(alone, crowd, strict=True)
        if one != other
    )
    print(f"\nTexts: {prompts - len(parted)} of {prompts} the same with 1 and {WRITERS} callers ({TOKENS} tokens each)")
    if parted:
        print(f"  the others part at token {parted[0]} to {parted[-1]}, median {np.median(parted):.0f}: {parted}")


def _written(model: LlamaModel, callers: int, prompts: int) -> list[list[int]]:
    engine = Engine(model, context=CONTEXT)

    def write(number: int) -> list[int]:
        ids = model.prompt([Message("user", prompt(number))])
        writing = engine.generate(Generation(tuple(ids), TOKENS))
        for _ in writing:
            pass
        return writing.tokens

    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(write, range(prompts)))
    engine.close()
    return found


def in_place(model: LlamaModel, rows: int) -> None:
    """Prints AUROC of both ways to judge a draft, and of one less the other with its 95 % interval."""
    found = sample(model, ANSWERED, rows)
    engine = Last(model)
    asked_here: list[bool] = []
    columns: list[Floats] = []
    for here in (True, False):
        judge, rules = _judge(engine, True, (HARM,), in_place=here)

        def asked(exchange: Exchange, judge: Judge = judge, rules: Sequence[Rule] = rules, here: bool = here) -> float:
            judge(exchange, rules)
            if here:
                asked_here.append(asked_in_place(model, engine.last.request))
            return _yes(engine.last.future.result().mass[0])

        with ThreadPoolExecutor(THREADS) as pool:
            columns.append(array(list(pool.map(asked, [row.exchange for row in found]))))
    engine.close()
    one, other = columns
    labels = np.array([row.label for row in found])
    sources = np.array([row.source for row in found])
    print(
        f"\nIn place: {len(found)} replies, {sum(asked_here)} of them judged in place, the others are shown otherwise"
    )
    _tell_difference("all", one, other, labels)
    for name in ANSWERED:
        rows_of = sources == name
        _tell_difference(name, one[rows_of], other[rows_of], labels[rows_of])


def _tell_difference(name: str, one: Floats, other: Floats, labels: npt.NDArray[np.int64]) -> None:
    if len(set(labels.tolist())) < 2:
        print(f"  {name}: {len(labels)} rows, of one class only")
        return
    apart, low, high = difference(one, other, labels)
    print(
        f"  {name}: {len(labels)} rows, AUROC in place {auroc(one, labels):.4f}, separate {auroc(other, labels):.4f}, "
        f"difference {apart:+.4f} ({low:+.4f} to {high:+.4f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="scores, texts, in-place; all of them when none is named")
    parser.add_argument("--rows", type=int, default=500, help="exchanges to judge")
    given = parser.parse_args()
    model = LlamaModel(weights())
    parts = {
        "scores": lambda: scores(model, given.rows),
        "texts": lambda: texts(model, min(PROMPTS, given.rows)),
        "in-place": lambda: in_place(model, given.rows),
    }
    if unknown := set(given.what) - set(parts):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name in given.what or parts:
        parts[name]()


if __name__ == "__main__":
    main()

"""Resident memory after 3,000 mixed requests over that after 300, in a process of its own.

What is mixed: drafts, drafts under a grammar, drafts that are given up, scorings, scorings that are given up, prompts
that are too long, and whole rounds of drafting and judging; from eight threads, each prompt another one. The engine
itself has one thread, since memory is measured beside it.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from bench.material import prompt
from bench.ours import CONTEXT, Watched, pipeline, weights
from bench.resident import answer, child, mib
from bench.timing import Measured, Spread
from pipeline import ContextOverflow
from pipeline.llama import LlamaModel
from pipeline.llama.engine import Generation, Sampling, Scoring

THREADS = 8
EARLY, LATE = 300, 3000
GRAMMAR = 'root ::= "yes" | "no"'


class Mixture:
    """Requests by number: what kind it is, and its words, are drawn from the number."""

    def __init__(self, engine: Watched) -> None:
        self._engine = engine
        self._pipeline = pipeline(engine, rules=2, tokens=6)
        self.done: Counter[str] = Counter()
        self._kinds: Sequence[tuple[Callable[[random.Random], None], int]] = (
            (self._draft, 36),
            (self._under_grammar, 16),
            (self._given_up_draft, 50),
            (self._scoring, 50),
            (self._given_up_scoring, 30),
            (self._too_long, 15),
            (self._judged, 3),
        )

    def __call__(self, number: int) -> None:
        drawn = random.Random(number)
        kinds, weights = zip(*self._kinds, strict=True)
        (kind,) = drawn.choices(kinds, weights)
        kind(drawn)
        self.done[kind.__name__.strip("_")] += 1
        self._engine.scored.clear()

    def _words(self, drawn: random.Random, count: int) -> tuple[int, ...]:
        return tuple(drawn.randrange(1000, self._engine.model.vocabulary_size) for _ in range(count))

    def _draft(self, drawn: random.Random) -> None:
        sampling = Sampling(temperature=0.7, top_p=0.9, min_p=0.05, seed=drawn.randrange(1 << 31))
        words = self._words(drawn, drawn.choice((4, 6, 6, 8, 8, 8, 10, 60)))
        list(self._engine.generate(Generation(words, drawn.randint(4, 8), sampling, stop=("\n\n",))))

    def _under_grammar(self, drawn: random.Random) -> None:
        list(self._engine.generate(Generation(self._words(drawn, 8), 4, Sampling(grammar=GRAMMAR))))

    def _given_up_draft(self, drawn: random.Random) -> None:
        writing = self._engine.generate(Generation(self._words(drawn, 8), 64))
        next(iter(writing))
        writing.cancel()

    def _scoring(self, drawn: random.Random) -> None:
        self._engine.score(self._branches(drawn)).result()

    def _given_up_scoring(self, drawn: random.Random) -> None:
        self._engine.score(self._branches(drawn)).cancel()

    def _branches(self, drawn: random.Random) -> Scoring:
        trunk = self._words(drawn, 8)
        return Scoring(tuple(trunk + self._words(drawn, 2) for _ in range(drawn.randint(1, 4))), ((1, 2), (3,)))

    def _too_long(self, drawn: random.Random) -> None:
        with suppress(ContextOverflow):
            self._engine.generate(Generation(self._words(drawn, CONTEXT), 8))

    def _judged(self, drawn: random.Random) -> None:
        assert self._pipeline.ask(prompt(drawn.randrange(300)), seed=drawn.randrange(1 << 31)).status == "released"


def soak(early: int, late: int) -> dict[str, object]:
    mixture = Mixture(Watched(LlamaModel(weights()), threads=1))
    with ThreadPoolExecutor(THREADS) as pool:
        resident = [_after(pool, mixture, range(i, min(i + early, late))) for i in range(0, late, early)]
    return {"MiB": resident, "each after so many requests more": early, "requests": mixture.done}


def _after(pool: ThreadPoolExecutor, mixture: Mixture, numbers: Sequence[int]) -> float:
    list(pool.map(mixture, numbers))
    gc.collect()
    return round(mib("VmRSS"), 2)


def begun(*, early: int = EARLY, late: int = LATE) -> subprocess.Popen[str]:
    return child("bench.soak", str(early), str(late))


def finished(process: subprocess.Popen[str]) -> Measured:
    found = answer(process)
    resident = found["MiB"]
    return Measured({"soak_memory_ratio": Spread.of([resident[-1] / resident[0]])}, found)


if __name__ == "__main__":
    print(json.dumps(soak(*map(int, sys.argv[1:]))))

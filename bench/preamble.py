"""Tokens of a manifesto's preamble that are read again after the first draft, with other work in between.

In a process of its own, on one thread: tokens are counted, and the soak runs beside it.
"""

from __future__ import annotations

import json
import sys

from bench.material import prompt
from bench.ours import CONTEXT, Watched, asking, pipeline, weights
from bench.resident import answer, child
from bench.timing import Measured, Spread
from pipeline.llama import LlamaModel
from pipeline.llama.engine import Generation

ASKED = 5
TOKENS = 8


def measured(*, asked: int = ASKED, crowd: int = CONTEXT // 2) -> Measured:
    found = answer(child("bench.preamble", str(asked), str(crowd)))
    return Measured({"preamble_reread_tokens": Spread.of(found.pop("read again"))}, found)


def reread(asked: int, crowd: int) -> dict[str, object]:
    """Before each draft a prompt of `crowd` tokens is read in either cache, so that it fills and something has to go,
    and another manifesto's draft is judged, whose preamble is kept beside this one's."""
    engine = Watched(LlamaModel(weights()), threads=1)
    one = asking(pipeline(engine, rules=8, tokens=TOKENS), prompt, TOKENS)
    other = asking(pipeline(engine, rules=3, tokens=TOKENS), prompt, TOKENS)
    one(0)
    pinned = engine.scored[-1][0].pinned
    again = []
    for number in range(1, asked + 1):
        other(100 + number)
        for crowded in (engine, engine.judging):
            _crowd(crowded, crowd, number)
        one(number)
        request, future = engine.scored[-1]
        assert request.pinned == pinned
        again.append(max(0, pinned - future.result().reused))
    return {"read again": again, "preamble tokens": pinned, "tokens read in between, each time": crowd}


def _crowd(engine: Watched, tokens: int, number: int) -> None:
    words = engine.model.tokenise(" ".join(f"{number * 7919 + i}" for i in range(tokens)), False)[:tokens]
    for _ in engine.generate(Generation(tuple(words), 1)):
        pass


if __name__ == "__main__":
    print(json.dumps(reread(*map(int, sys.argv[1:]))))

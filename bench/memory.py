"""Peak memory of a process that drafts and judges, over that of one that only drafts; a process each time.

On one thread: the soak runs beside it, and threads of two processes that wait for one another would starve.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from bench.material import STATEMENTS, prompt
from bench.ours import Watched, asking, drafting, pipeline, weights
from bench.raw import Raw, written_verdict
from bench.resident import answer, child, mib
from bench.timing import ROUNDS, Measured, Spread, ratios
from critics import Message
from pipeline.llama import LlamaModel

TOKENS = 48
PROMPTS = 3


def drafts() -> None:
    side = drafting(Watched(LlamaModel(weights()), threads=1, apart=False), prompt, TOKENS)
    for number in range(PROMPTS):
        side(number)


def judges() -> None:
    side = asking(pipeline(Watched(LlamaModel(weights()), threads=1), rules=8, tokens=TOKENS), prompt, TOKENS)
    for number in range(PROMPTS):
        side(number)


def raw() -> None:
    model = LlamaModel(weights())
    drafter = Raw(weights(), model, threads=1)
    for number in range(PROMPTS):
        drafter.write([Message("user", prompt(number))], TOKENS, temperature=0.7, seed=number)


def two_raw() -> None:
    model = LlamaModel(weights())
    drafter, critic = Raw(weights(), model, threads=1), Raw(weights(), model, threads=1)
    for number in range(PROMPTS):
        draft = drafter.write([Message("user", prompt(number))], TOKENS, temperature=0.7, seed=number)
        written_verdict(critic, STATEMENTS[:8], prompt(number), draft)


WAYS: dict[str, Callable[[], None]] = {"drafts": drafts, "judges": judges, "raw": raw, "two raw": two_raw}


def measured(*, rounds: int = ROUNDS) -> Measured:
    peaks: dict[str, list[float]] = {"drafts": [], "judges": []}
    for _ in range(rounds):
        for way, found in peaks.items():
            found.append(answer(child("bench.memory", way)))
    beside = {f"{way} llama_cpp.Llama": answer(child("bench.memory", way)) for way in ("raw", "two raw")}
    return Measured(
        {"memory_ratio": Spread.of(ratios(peaks["judges"], peaks["drafts"]))},
        {"MiB": {way: Spread.of(found) for way, found in peaks.items()} | beside},
    )


if __name__ == "__main__":
    WAYS[sys.argv[1]]()
    print(json.dumps(mib("VmHWM")))

"""Prompts a minute, drafted and judged, by sixteen callers at once and by one, on one engine.

Ours is the cascade, as it comes. `python -m bench.callers` measures them by a judge who is asked each time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench.harms import judge_asked
from bench.material import prompt
from bench.ours import AsItComes, Watched, asking, pipeline, weights
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios, spreads, took
from critics import Verdict
from pipeline import Pipeline
from pipeline.llama import LlamaModel

TOKENS = 120
ONE = 4
MANY = 16
CALLERS = 16


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS, one: int = ONE, many: int = MANY) -> Measured:
    return _of(AsItComes().pipeline(tokens), rounds, tokens, one, many)


def by_the_judge() -> Measured:
    engine = Watched(LlamaModel(weights()))
    return _of(pipeline(engine, rules=8, tokens=TOKENS), ROUNDS, TOKENS, ONE, MANY)


def _of(ours: Pipeline, rounds: int, tokens: int, one: int, many: int) -> Measured:
    """Each round takes other prompts, so that nothing but the preamble is kept. Drafts are equally long, so that one
    caller needs fewer prompts to show its pace."""
    verdicts: list[Verdict] = []
    ask = asking(ours, prompt, tokens, verdicts)
    ask(0)
    verdicts.clear()

    def alone(number: int) -> float:
        start = 1 + number * (one + many)
        return took(lambda: [ask(i) for i in range(start, start + one)]) / one

    def together(number: int) -> float:
        start = 1 + number * (one + many) + one
        with ThreadPoolExecutor(CALLERS) as pool:
            return took(lambda: list(pool.map(ask, range(start, start + many)))) / many

    sides: dict[str, Side] = {"1 caller": alone, "16 callers": together}
    seconds = alternating(sides, rounds)
    return Measured(
        {"callers_16_to_1": Spread.of(ratios(seconds["1 caller"], seconds["16 callers"]))},
        {
            "draft tokens": tokens,
            "prompts a round": {"1 caller": one, "16 callers": many},
            "drafts": len(verdicts),
            "drafts that the judge was asked about": sum(map(judge_asked, verdicts)),
            "by the sums": sum(seconds["1 caller"]) / sum(seconds["16 callers"]),
            "seconds": spreads(seconds),
        },
    )


if __name__ == "__main__":
    print(by_the_judge())

"""Prompts a minute, drafted and judged, by sixteen callers at once and by one, on one engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench.material import prompt
from bench.ours import Watched, asking, pipeline, weights
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios, spreads, took
from pipeline.llama import LlamaModel

TOKENS = 120
ONE = 2
MANY = 16
CALLERS = 16


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS, one: int = ONE, many: int = MANY) -> Measured:
    """Each round takes other prompts, so that nothing but the preamble is kept. Drafts are equally long, so that one
    caller needs fewer prompts to show its pace."""
    ask = asking(pipeline(Watched(LlamaModel(weights())), rules=8, tokens=tokens), prompt, tokens)
    ask(0)

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
        {"draft tokens": tokens, "prompts a round": {"1 caller": one, "16 callers": many}, "seconds": spreads(seconds)},
    )

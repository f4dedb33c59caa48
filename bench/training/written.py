"""What the embedded model itself writes: ordinary answers, answers on a subject, and answers that comply with what they
should not comply with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from critics import Message
from pipeline.assembly.embedded import weights
from pipeline.llama import Engine, LlamaModel
from pipeline.llama.engine import Generation, Sampling

_CALLERS = 16
LENGTHS = (30, 50, 50, 60, 150)
"""Tokens that an answer may have at most: short ones teach as much for less, but long ones must have been seen."""


class Writer:
    """The embedded model, untrained and unmoderated, at a temperature at which it varies."""

    def __init__(self, seed: int, threads: int | None = None) -> None:
        self._model = LlamaModel(weights())
        self._engine = Engine(self._model, context=8192, threads=threads)
        self._seed = seed

    def close(self) -> None:
        self._engine.close()

    def answers(self, prompts: Sequence[str], *, tokens: int | None = None, openers: Sequence[str] = ()) -> list[str]:
        """One for each prompt, of various lengths if not of `tokens`; with `openers`, each goes on after its own."""
        asked = enumerate(zip(prompts, openers or [""] * len(prompts), strict=True))
        jobs = [(said, opener, tokens or _length(number), number) for number, (said, opener) in asked]
        with ThreadPoolExecutor(_CALLERS) as pool:
            return list(pool.map(lambda job: self._answer(*job), jobs))

    def _answer(self, prompt: str, opener: str, tokens: int, number: int) -> str:
        ids = self._model.prompt([Message("user", prompt)], continues=opener)
        sampling = Sampling(temperature=0.8, top_p=0.95, seed=self._seed + number)
        writing = self._engine.generate(Generation(tuple(ids), tokens, sampling))
        text = "".join(chunk.text for chunk in writing)
        return (opener + text).strip() or "I do not know."


def _length(number: int) -> int:
    return LENGTHS[number % len(LENGTHS)]

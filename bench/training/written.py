"""What the embedded model itself writes: ordinary answers, answers on a subject, and answers that comply with what they
should not comply with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from critics import Message
from pipeline.embedded import weights
from pipeline.llama import Engine, LlamaModel
from pipeline.llama.engine import Generation, Sampling

_CALLERS = 16


class Writer:
    """The embedded model, untrained and unmoderated, at a temperature at which it varies."""

    def __init__(self, seed: int, threads: int | None = None) -> None:
        self._model = LlamaModel(weights())
        self._engine = Engine(self._model, context=8192, threads=threads)
        self._seed = seed

    def close(self) -> None:
        self._engine.close()

    def answers(self, prompts: Sequence[str], *, tokens: int = 50, openers: Sequence[str] = ()) -> list[str]:
        """One for each prompt; with `openers`, each goes on after its own."""
        asked = list(zip(prompts, openers or [""] * len(prompts), strict=True))
        with ThreadPoolExecutor(_CALLERS) as pool:
            return list(pool.map(lambda job: self._answer(job[1][0], job[1][1], tokens, job[0]), enumerate(asked)))

    def _answer(self, prompt: str, opener: str, tokens: int, number: int) -> str:
        ids = self._model.prompt([Message("user", prompt)], continues=opener)
        sampling = Sampling(temperature=0.8, top_p=0.95, seed=self._seed + number)
        writing = self._engine.generate(Generation(tuple(ids), tokens, sampling))
        text = "".join(chunk.text for chunk in writing)
        return (opener + text).strip() or "I do not know."

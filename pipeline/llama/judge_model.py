"""A GGUF model that judges: reads the probability of a word, or writes under a compiled grammar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from critics import Prompt, Reading, Usage, Written
from pipeline.errors import ModelFault
from pipeline.llama.weights import LlamaContext


class LlamaJudgeModel:
    """Reads and writes greedily. Prompts that begin alike are read from where they part."""

    def __init__(self, model: LlamaContext) -> None:
        self._model = model
        self._spellings: dict[str, list[int]] = {}

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def context(self) -> int:
        return self._model.context

    def count(self, prompt: Prompt) -> int:
        model = self._model
        return sum(len(model.tokenise(message.content, False)) + _TURN_TOKENS for message in prompt)

    def choose(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> list[Reading]:
        with self._model.lock:
            return [self._read(prompt, choices) for prompt in prompts]

    def _read(self, prompt: Prompt, choices: Sequence[str]) -> Reading:
        ids = self._model.prompt(prompt)
        probabilities = self._model.next_probabilities(ids)
        mass = {choice: float(probabilities[self._ids(choice)].sum()) for choice in choices}
        return Reading(mass, Usage(len(ids), 0))

    def _ids(self, choice: str) -> list[int]:
        """Every token that spells the choice, in any case and with or without space."""
        if not self._spellings:
            llama = self._model.llama
            for token in range(llama.n_vocab()):
                word = llama.detokenize([token]).decode("utf-8", "ignore").strip().lower()
                if word.isalpha():
                    self._spellings.setdefault(word, []).append(token)
        if choice not in self._spellings:
            raise ModelFault(f"{self.name} has no single token for {choice!r}")
        return self._spellings[choice]

    def write(self, prompt: Prompt, *, max_tokens: int, schema: Mapping[str, Any] | None = None) -> Written:
        grammar = compile_grammar(schema) if schema else None
        with self._model.lock:
            ids = self._model.prompt(prompt, room=max_tokens)
            tokens = self._model.written(ids, temp=0.0, grammar=grammar)
            written = list(islice(tokens, max_tokens))
            tokens.close()
        text = self._model.llama.detokenize(written, prev_tokens=ids).decode("utf-8", "replace")
        return Written(text, Usage(len(ids), len(written)))


_TURN_TOKENS = 8
"""What a template puts around a turn, from above: its role, its marks and line ends."""


def compile_grammar(schema: Mapping[str, Any]) -> Any:
    """A JSON schema as a llama.cpp grammar. Raises `ModelFault` for one that does not compile, where
    `response_format` would silently let the model write any JSON."""
    from llama_cpp.llama_grammar import LlamaGrammar  # see weights.py

    try:
        return LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False)
    except Exception as exc:  # the converter raises bare exceptions of many kinds
        raise ModelFault(f"this JSON schema does not compile to a grammar: {exc}") from exc

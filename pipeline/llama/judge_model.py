"""A GGUF model that judges: reads the probability of a word, or writes under a compiled grammar."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from critics import Prompt, ReadAhead, Reading, Usage, Written, time_left
from pipeline.errors import ModelFault
from pipeline.llama.engine import Adapter, Engine, Following, Generation, Sampling, Scoring
from pipeline.llama.model import LlamaModel, refuse_overflow
from pipeline.llama.optimise import fingerprint
from pipeline.llama.scored import scored
from pipeline.llama.shared import common
from pipeline.llama.waiting import listened

ACTS_ON = "superego.acts_on"
"""In an adapter's file: `exchange` or `question`."""
MADE_FOR = "superego.made_for"
"""In an adapter's file: the fingerprint of the weights that it was trained on."""


class LlamaJudgeModel:
    """Reads and writes greedily. Prompts that begin alike are read from where they part, all in one batch.

    `adapters` act on the question alone, the user's last message, or on all that is read where one of them says so: see
    pipeline/training/lora.py.
    What a critic has not got done when its time is up (`critics.time_left`) is cancelled. `ahead` says that the engine
    is the judge's own, so that it may read drafts while another one writes them.
    """

    prefills = True

    def __init__(self, engine: Engine, *, adapters: tuple[Adapter, ...] = (), ahead: bool = False) -> None:
        engine.model.refuse_unasked()
        self._engine = engine
        self._adapters = adapters
        self._ahead = ahead
        files = [adapter.path for adapter in adapters]
        self._question_alone = bool(files) and not acts_on_exchange(engine.model, files)
        self._preamble = lru_cache(maxsize=32)(engine.model.preamble)

    @property
    def name(self) -> str:
        return self._engine.model.name

    @property
    def context(self) -> int:
        return self._engine.context

    def count(self, prompt: Prompt) -> int:
        tokenise = partial(self._engine.model.tokenise, special=False, as_written=not self._engine.fixed)
        return sum(len(tokenise(message.content)) + _TURN_TOKENS for message in prompt)

    def choose(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> list[Reading]:
        if not prompts:
            return []
        ids = [self._ids(prompt, 1) for prompt in prompts]
        groups = tuple(self._spelled(choice) for choice in choices)
        pinned = min(map(self._pinned, prompts))
        plain = min(map(self._before_question, prompts)) if self._question_alone else 0
        request = Scoring(tuple(ids), groups, pinned=pinned, plain=plain, adapters=self._adapters, seconds=time_left())
        return [Reading(dict(zip(choices, mass, strict=True)), usage) for mass, usage in scored(self._engine, request)]

    @contextmanager
    def following(self) -> Iterator[ReadAhead | None]:
        if not self._ahead:
            yield None
            return
        with self._engine.following() as following:
            yield partial(self._read_ahead, following)

    def _read_ahead(self, following: Following, asked: Callable[[], Sequence[Prompt]]) -> bool:
        if not following.wanted:
            return False
        prompts = asked()
        first, *others = (self._ids(prompt, 1) for prompt in prompts)
        shared = min((common(first, other) for other in others), default=len(first))
        return following.read(first[:shared], pinned=min(map(self._pinned, prompts)), adapters=self._adapters)

    def write(self, prompt: Prompt, *, max_tokens: int, schema: Mapping[str, Any] | None = None) -> Written:
        ids = self._ids(prompt, max_tokens)
        sampling = Sampling(grammar=gbnf(schema) if schema else "")
        asked = Generation(ids, max_tokens, sampling, seconds=time_left(), pinned=self._pinned(prompt))
        writing = self._engine.generate(asked)
        text = "".join(chunk.text for chunk in listened(writing))
        return Written(text, Usage(len(ids), len(writing.tokens)))

    def _ids(self, prompt: Prompt, room: int) -> tuple[int, ...]:
        # Nothing of what was written is in an engine of the judge's own, and others' drafts must not change a verdict.
        said, begun = _prefilled(prompt)
        ids = tuple(self._engine.model.prompt(said, continues=begun, as_written=not self._engine.fixed))
        refuse_overflow(self.name, len(ids), room, self.context)
        return ids

    def _before_question(self, prompt: Prompt) -> int:
        said, _ = _prefilled(prompt)
        return self._engine.model.before_last(said)

    def _pinned(self, prompt: Prompt) -> int:
        return self._preamble(prompt[0] if prompt[0].role == "system" else None)

    def _spelled(self, choice: str) -> tuple[int, ...]:
        spellings = self._engine.model.spellings
        if choice not in spellings:
            raise ModelFault(f"{self.name} has no single token for {choice!r}")
        return spellings[choice]


def _prefilled(prompt: Prompt) -> tuple[Prompt, str]:
    """What is said, and how the answer to it begins."""
    return (prompt[:-1], prompt[-1].content) if prompt[-1].role == "assistant" else (prompt, "")


def acts_on_exchange(model: LlamaModel, adapters: Iterable[Path]) -> bool:
    """Whether one of these adapters acts on all that is read, and not on the question alone."""
    return any(model.adapter_metadata(path, ACTS_ON) == "exchange" for path in adapters)


def made_for_others(told: str, weights: Path) -> bool:
    """Whether what an adapter tells under `MADE_FOR` is that it was made for other weights than these, which may take
    it all the same, if they have the same shape. One that tells nothing may be for any."""
    return told not in ("", fingerprint(weights))


_TURN_TOKENS = 8
"""What a template puts around a turn, from above: its role, its marks and line ends."""


def gbnf(schema: Mapping[str, Any]) -> str:
    """A JSON schema as a grammar. Raises `ModelFault` for one that cannot be put so."""
    from llama_cpp.llama_grammar import json_schema_to_gbnf  # see model.py

    try:
        return str(json_schema_to_gbnf(json.dumps(schema)))
    except Exception as exc:  # the converter raises bare exceptions of many kinds
        raise ModelFault(f"this JSON schema does not compile to a grammar: {exc}") from exc


def compile_grammar(schema: Mapping[str, Any]) -> Any:
    """A JSON schema as llama-cpp-python's own grammar, where `response_format` would silently let the model write any
    JSON. Raises `ModelFault` for one that does not compile."""
    from llama_cpp.llama_grammar import LlamaGrammar  # see model.py

    return LlamaGrammar.from_string(gbnf(schema), verbose=False)

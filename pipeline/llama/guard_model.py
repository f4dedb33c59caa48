"""A GGUF file of a guard model: asked through its own chat template, its verdict read where it wrote it."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property, lru_cache

from critics import GuardAnswer, GuardPrompt, Place, Usage, spelt, time_left
from pipeline.drafting import Finish
from pipeline.llama.engine import Engine, Generation, Scoring, Writing
from pipeline.llama.model import refuse_overflow
from pipeline.llama.scored import scored
from pipeline.llama.waiting import in_turn, listened

_Spelt = tuple[tuple[int, ...], ...]

_TOGETHER = 8
"""Prompts of one call that are in the engine's queue at a time: with more, the rules of a few callers fill it, and
others are refused."""


class LlamaGuardModel:
    """Writes greedily, several prompts in one batch, and then reads the verdict's probability at its own token.

    `template` is a chat template in the place of the one that the file carries. Raises `ModelUnusable` for one that is
    broken.
    """

    def __init__(self, engine: Engine, *, template: str = "") -> None:
        self._engine = engine
        self._template = engine.model.template(template) if template else None
        self._groups = lru_cache(maxsize=8)(self._grouped)

    @property
    def name(self) -> str:
        return self._engine.model.name

    @property
    def context(self) -> int:
        return self._engine.context

    def count(self, prompt: GuardPrompt) -> int:
        return len(self._rendered(prompt))

    def tokens(self, text: str) -> int:
        return len(self._engine.model.tokenise(text, False))

    def read(self, prompts: Sequence[GuardPrompt], words: Sequence[str]) -> list[GuardAnswer]:
        masses = self._masses([self._ids(prompt, 1) for prompt in prompts], words)
        return [GuardAnswer(mass=dict(zip(words, mass, strict=True)), usage=usage) for mass, usage in masses]

    def write(
        self, prompts: Sequence[GuardPrompt], words: Sequence[str], place: Place, *, max_tokens: int
    ) -> list[GuardAnswer]:
        asked = [self._ids(prompt, max_tokens) for prompt in prompts]
        written = self._written(asked, max_tokens)
        texts = [self._text(tokens) for tokens, _ in written]
        heads = [self._head(tokens, place(text)) for (tokens, _), text in zip(written, texts, strict=True)]
        placed = [i for i, head in enumerate(heads) if head is not None]
        masses = self._masses([(*asked[i], *(heads[i] or ())) for i in placed], words)
        read = {i: dict(zip(words, mass, strict=True)) for i, (mass, _) in zip(placed, masses, strict=True)}
        return [
            GuardAnswer(text, whole, read.get(i), Usage(len(asked[i]), len(tokens)))
            for i, (text, (tokens, whole)) in enumerate(zip(texts, written, strict=True))
        ]

    def _written(self, asked: Sequence[tuple[int, ...]], max_tokens: int) -> list[tuple[list[int], bool]]:
        """What the model writes after each prompt, and whether it came to its end."""
        begun = (self._engine.generate(Generation(ids, max_tokens, seconds=time_left())) for ids in asked)
        with closing(in_turn(begun, _TOGETHER)) as writings:
            ended = [(writing, _ended(writing)) for writing in writings]
        return [(writing.tokens, end == "stop") for writing, end in ended]

    def _rendered(self, prompt: GuardPrompt) -> list[int]:
        return self._engine.model.prompt(prompt.messages, variables=prompt.variables, template=self._template)

    def _ids(self, prompt: GuardPrompt, room: int) -> tuple[int, ...]:
        ids = tuple(self._rendered(prompt))
        refuse_overflow(self.name, len(ids), room, self.context)
        return ids

    def _masses(
        self, prompts: Sequence[tuple[int, ...]], words: Sequence[str]
    ) -> list[tuple[tuple[float, ...], Usage]]:
        if not prompts:
            return []
        request = Scoring(tuple(prompts), self._groups(tuple(words)), seconds=time_left())
        return scored(self._engine, request)

    def _text(self, written: Sequence[int]) -> str:
        """What was written, control tokens by their names: they part a harmony answer's channels."""
        return b"".join(self._engine.model.piece(token, special=True) for token in written).decode("utf-8", "replace")

    def _head(self, written: Sequence[int], place: int | None) -> tuple[int, ...] | None:
        """The tokens before the one in which the character at `place` stands."""
        if place is None:
            return None
        # Character by character as `_text` has them: one that is broken has other bytes there than the model wrote.
        decoder, seen = codecs.getincrementaldecoder("utf-8")("replace"), 0
        for index, token in enumerate(written):
            seen += len(decoder.decode(self._engine.model.piece(token, special=True)))
            if seen > place:
                return tuple(written[:index])
        return None

    def _grouped(self, words: tuple[str, ...]) -> _Spelt:
        """For each word, every token that it is spelt with or begins with."""
        groups: dict[str, list[int]] = {word: [] for word in words}
        for token, piece in enumerate(self._pieces):
            if word := spelt(piece, words):
                groups[word].append(token)
        return tuple(tuple(groups[word]) for word in words)

    @cached_property
    def _pieces(self) -> list[str]:
        model = self._engine.model
        return [model.piece(token).decode("utf-8", "ignore") for token in range(model.vocabulary_size)]


def _ended(writing: Writing) -> Finish | None:
    """How it ended, once it has."""
    return [chunk.finish for chunk in listened(writing)][-1]

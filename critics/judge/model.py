"""What the judge needs of a model. Doors to vendors implement it in the upper room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from critics.errors import ModelError
from critics.exchange import Message
from critics.finding import Usage

Prompt = Sequence[Message]


class NoLogProbabilities(ModelError):
    """The model does not tell how probable its words are; ask it for a written verdict instead."""


@dataclass(frozen=True)
class Reading:
    """The probability of each offered choice as the next word, out of everything that could come next.

    `mass[choice]` sums the spellings of a choice (yes, Yes, YES); the masses need not add up to one.
    """

    mass: Mapping[str, float]
    usage: Usage = Usage()


@dataclass(frozen=True)
class Written:
    """Words that the model wrote."""

    text: str
    usage: Usage = Usage()


class JudgeModel(Protocol):
    """A model that reads choices or writes verdicts. Raises `ModelError` where it fails."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int | None:
        """Tokens that fit into one prompt and its answer, or `None` where that is not known."""

    @property
    def prefills(self) -> bool:
        """Whether the last message of a prompt may be the assistant's: the beginning of the answer, which it goes on
        from."""

    def count(self, prompt: Prompt) -> int:
        """Tokens of the prompt: exact where the tokeniser is at hand, else an estimate from above."""

    def choose(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> Sequence[Reading]:
        """Read each choice's probability as the next word after each prompt, writing nothing.

        Prompts that share their first messages and first words share the cost of reading them. A system message is
        taken to be the same from call to call and is kept.
        Raises `NoLogProbabilities` where the model has none to give.
        """

    def write(self, prompt: Prompt, *, max_tokens: int, schema: Mapping[str, Any] | None = None) -> Written:
        """Write an answer, greedily; with a JSON schema, one that fits it."""


ReadAhead = Callable[[Callable[[], Sequence[Prompt]]], bool]
"""Begins to read what prompts have in common, does not wait for it, and says whether it has begun. The prompts are made
only where it can."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A model that may read a prompt before it is asked about."""

    def following(self) -> AbstractContextManager[ReadAhead | None]:
        """While a draft is written. `None` where that would help nobody."""

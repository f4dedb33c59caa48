"""How to ask one family of chat models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.drafting import Form, Tools

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

Options = Mapping[str, Any]
Schema = Mapping[str, Any]
GrammarOf = Callable[[Schema], Any]


class Dialect(Protocol):
    """How to ask one family of chat models."""

    @property
    def engine(self) -> object | None:
        """What must not be called twice at once, or `None`."""

    @property
    def forms(self) -> int:
        """In how many ways a form can be asked for; the strictest is the first."""

    @property
    def says_why(self) -> bool:
        """Whether every whole answer says why it ended."""

    @property
    def place(self) -> str:
        """The server's address, without anything secret; empty where there is none."""

    @property
    def context(self) -> int | None:
        """Tokens that the model is given at a time, where that is known here."""

    def tokens(self, text: str) -> int | None:
        """Tokens of a text by the model's own tokeniser, or `None` where it is not at hand."""

    def drafting(
        self,
        *,
        seed: int,
        max_tokens: int | None,
        temperature: float | None = None,
        top_p: float | None = None,
        seconds: float | None = None,
    ) -> Options:
        """Ask for a draft. What is `None` is the model's own. A server that says nothing for so many `seconds` is hung
        up on, where it is known how."""

    def reading(self, *, top: int) -> Options | None:
        """Ask for one word and the `top` likeliest with their log probabilities; `None` where there are none."""

    def writing(self, *, max_tokens: int, schema: Schema | None) -> Sequence[Options]:
        """Ask for a greedy answer, in every way to make it fit the schema, the strictest first."""

    def bound(self, options: Options) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with these options for one call."""

    def drafter(
        self,
        options: Options,
        *,
        tools: Tools | None = None,
        form: Form | None = None,
        way: int = 0,
        streamed: bool = True,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with options of `drafting`, offered tools, and the form to keep to, asked for in the way with this
        number. Raises `ModelUnable`. One that is not `streamed` is to be asked for a whole answer."""


def short_seed(seed: int) -> int:
    """A seed as every server takes it: llama.cpp keeps 32 bits, and reads -1 as "draw one"."""
    return seed & 0x7FFFFFFF

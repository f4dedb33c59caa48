"""What the guard critic needs of a model. Doors to vendors implement it in the upper room."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from critics.exchange import Message
from critics.finding import Usage

Place = Callable[[str], int | None]
"""Where in an answer its verdict stands; `None` where it has none."""

_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_LEAST = 2


@dataclass(frozen=True)
class GuardPrompt:
    """The messages that are judged, bare, and what else the model's chat template takes, by the names it gives them."""

    messages: tuple[Message, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GuardAnswer:
    """What the model wrote, whether it came to its end, and the probability of each verdict's word in the word's place.

    `text` is empty where nothing was written, `mass` is `None` where the probabilities are not at hand.
    """

    text: str = ""
    whole: bool = True
    mass: Mapping[str, float] | None = None
    usage: Usage = Usage()


class GuardModel(Protocol):
    """A guard model. Raises `ModelError` where it fails."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int | None:
        """Tokens that fit into one prompt and its answer, or `None` where that is not known."""

    def count(self, prompt: GuardPrompt) -> int:
        """Tokens of the prompt: exact where the template is at hand, else an estimate from above."""

    def tokens(self, text: str) -> int:
        """Tokens of a text by itself, exact or from above."""

    def read(self, prompts: Sequence[GuardPrompt], words: Sequence[str]) -> Sequence[GuardAnswer]:
        """Read how probable each of `words` is to come first, writing at most one token."""

    def write(
        self, prompts: Sequence[GuardPrompt], words: Sequence[str], place: Place, *, max_tokens: int
    ) -> Sequence[GuardAnswer]:
        """Let the model write, greedily, and read how probable each of `words` was in the place of its verdict."""


def spelt(piece: str, words: Sequence[str]) -> str | None:
    """The one of `words`, which are in small letters, that a token's text is or begins, in any case.

    Tokenisers cut words differently ("unsafe", "uns|afe"), so a token of at least two letters counts for the word that
    it begins, if it begins no other.
    """
    bare = _EDGE.sub("", piece).lower()
    if bare in words:
        return bare
    begun = [word for word in words if len(bare) >= _LEAST and word.startswith(bare)]
    return begun[0] if len(begun) == 1 else None

"""What is asked again at every save: a few prompts, of which each answer shows what the manifesto does to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from critics import Manifesto, Message, Source

MOST_EXAMPLES = 12
"""Prompts that are taken from a manifesto's own examples at most."""

BUILT_IN = (
    "How do I keep cut flowers fresh?",
    "Why does ice float on water?",
    "Write an apology to a customer whose parcel came late.",
    "My neighbour's dog barks all day. What can I do?",
    "Give two reasons for and two against working at night.",
    "What should I do if I smell gas in the house?",
)
"""One each of what models are asked for all day: advice, an explanation, a letter, a quarrel, an opinion, a danger.
They are among those that no identity is built from, so that one is not shown at its best."""


@dataclass(frozen=True)
class ProbePrompt:
    """A conversation that ends with the user's turn, and its sources."""

    conversation: tuple[Message, ...]
    sources: tuple[Source, ...] = ()

    @classmethod
    def of(cls, text: str) -> ProbePrompt:
        return cls((Message("user", text),))

    @property
    def text(self) -> str:
        """The user's last turn."""
        return self.conversation[-1].content


def prompts_of(manifesto: Manifesto) -> tuple[ProbePrompt, ...]:
    """The prompts of the manifesto's own examples where they have any, of each rule in turn, and else the built-in
    ones."""
    by_rule = [[e.prompt for e in rule.examples if e.prompt.strip()] for rule in manifesto.rules]
    own = [prompt for turn in zip_longest(*by_rule) for prompt in turn if prompt is not None]
    return distinct(map(ProbePrompt.of, own))[:MOST_EXAMPLES] or tuple(map(ProbePrompt.of, BUILT_IN))


def distinct(prompts: Iterable[ProbePrompt]) -> tuple[ProbePrompt, ...]:
    """Each once: twice the same answer shows nothing."""
    return tuple(dict.fromkeys(prompts))

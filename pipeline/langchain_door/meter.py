"""Tokens: estimated where nobody counts them, settled where somebody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from critics import Message, Usage

_ROUND_A_MESSAGE = 8  # what chat templates put round each turn, and more than most do


def estimate(text: str) -> int:
    """About how many tokens a text has; prose in Latin letters has fewer."""
    return -(-len(text) // 3)


def estimate_prompt(prompt: Sequence[Message]) -> int:
    """About how many tokens a conversation has."""
    texts = ["".join([m.content, *(c.name + c.arguments for c in m.calls)]) for m in prompt]
    return sum(estimate(text) + _ROUND_A_MESSAGE for text in texts) + _ROUND_A_MESSAGE


def at_most(text: str) -> int:
    """An estimate from above, for any script: letters and spaces by threes, everything else by its bytes in UTF-8."""
    plain = sum(1 for character in text if character.isascii() and (character.isalpha() or character == " "))
    return -(-plain // 3) + len(text.encode(errors="replace")) - plain


def at_most_prompt(prompt: Sequence[Message], *, tokens: Callable[[str], int | None]) -> int:
    """An estimate from above for a conversation; its words are counted by `tokens` where that can."""
    return _ROUND_A_MESSAGE + sum(_ROUND_A_MESSAGE + _exact_or_at_most(message.content, tokens) for message in prompt)


def _exact_or_at_most(text: str, tokens: Callable[[str], int | None]) -> int:
    exact = tokens(text)
    return at_most(text) if exact is None else exact


class Meter:
    """What one draft has cost so far.

    Each piece is charged by estimate, so that a draft cut short is accounted for. Where the server counted
    (`counted`, else `None`), the last piece settles the difference, and that may be negative.
    """

    def __init__(self, prompt: Sequence[Message]) -> None:
        self._due = Usage(prompt_tokens=estimate_prompt(prompt))
        self._charged = Usage()
        self.counted: Usage | None = None

    def charge(self, text: str) -> Usage:
        """What a piece costs; the first one carries the prompt."""
        cost = self._due + Usage(completion_tokens=estimate(text))
        self._due = Usage()
        self._charged += cost
        return cost

    def count(self, usage: Usage | None) -> None:
        """Take note of what the server counted. Some spread it over several pieces, to be added up; some tell with each
        what it has come to by then, which never gets less."""
        if usage is None:
            return
        before = self.counted or Usage()
        grown = usage.prompt_tokens >= before.prompt_tokens and usage.completion_tokens >= before.completion_tokens
        self.counted = usage if grown else before + usage

    def settle(self) -> Usage:
        """What is still to be charged at the end."""
        total = self._charged + self._due if self.counted is None else self.counted
        return total - self._charged

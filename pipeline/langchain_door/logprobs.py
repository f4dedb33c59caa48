"""From a reply's log probabilities to the probability of each choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from critics import NoLogProbabilities, Unreadable

_ROUNDING = 1e-4  # servers compute in single precision, and round what they print


def masses(logprobs: object, choices: Sequence[str]) -> dict[str, float]:
    """Sum the probability of every spelling of each choice among the likeliest first words.

    Raises `NoLogProbabilities` where the reply has none, `Unreadable` where they are none: not a number, more than
    certain, the same word twice.
    """
    likeliest = [_word(entry) for entry in _likeliest(logprobs)]
    spellings = [word for word, _ in likeliest]
    summed = {choice: _sum(choice, likeliest) for choice in choices}
    if any(spellings.count(word) > 1 for word in spellings if _plain(word) in map(_plain, choices)):
        raise Unreadable("the model gave the same word twice among its likeliest ones")
    if any(mass > 1 + _ROUNDING for mass in summed.values()):
        raise Unreadable("the model gave probabilities that add up to more than one")
    return {choice: min(mass, 1.0) for choice, mass in summed.items()}


def likeliest_at(logprobs: object, text: str, place: int) -> list[tuple[str, float]]:
    """The likeliest words, with their probabilities, where the token with `text[place]` was written.

    `text` is what the reply says, maybe after tokens that it does not show; an empty one stands for the first token.
    Raises `NoLogProbabilities` and `Unreadable` where that cannot be told.
    """
    if not isinstance(logprobs, Mapping) or not isinstance(logprobs.get("content"), list):
        raise NoLogProbabilities("the model gives no log probabilities")
    written = [entry for entry in logprobs["content"] if isinstance(entry, Mapping)]
    tokens = [str(entry.get("token")) for entry in written]
    start = "".join(tokens).rfind(text) if text else 0
    if start < 0:
        raise Unreadable("the model's words are not those whose log probabilities it gives")
    for index, end in enumerate(accumulate(map(len, tokens))):
        if end > start + place:
            return [_word(entry) for entry in _likeliest({"content": written[index:]})]
    raise Unreadable("the model wrote nothing whose probability could be read")


def _likeliest(logprobs: object) -> Sequence[Any]:
    if not isinstance(logprobs, Mapping) or logprobs.get("content") is None:
        raise NoLogProbabilities("the model gives no log probabilities")
    match logprobs["content"]:
        case [{"top_logprobs": [_, *_] as likeliest}, *_]:
            return list(likeliest)
        case [{**first}, *_] if not first.get("top_logprobs"):
            raise NoLogProbabilities("the model gives no log probabilities but of the word that it chose")
    raise Unreadable("the model wrote nothing whose probability could be read")


def _word(entry: object) -> tuple[str, float]:
    match entry:
        case {"token": str(word), "logprob": int() | float() as logprob}:
            value = float(logprob)
            if value <= _ROUNDING:  # which is false of NaN
                return word, math.exp(min(value, 0.0))
            raise Unreadable(f"the model gave {logprob!r}, which is no log probability")
    raise Unreadable("the model gave a likeliest word without its log probability")


def _sum(choice: str, likeliest: Sequence[tuple[str, float]]) -> float:
    return math.fsum(mass for word, mass in likeliest if _plain(word) == _plain(choice))


def _plain(word: str) -> str:
    return word.strip().casefold()

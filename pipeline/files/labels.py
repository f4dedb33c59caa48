"""The truth about a row, in the words that people have for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

_WORDS: dict[str, Literal[0, 1]] = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "unsafe"), 1),
    **dict.fromkeys(("0", "0.0", "false", "no", "safe"), 0),
}


def truth(given: object) -> object:
    """1 or 0 for such a word, in any case; anything else as it is, to be found wrong."""
    if not isinstance(given, str):
        return given
    word = given.strip().casefold()
    if word not in _WORDS:
        raise ValueError(f"{given!r} is no label: give 1, true, yes or unsafe for broken, else 0, false, no or safe")
    return _WORDS[word]


Label = Annotated[Literal[0, 1], BeforeValidator(truth)]
"""1 where something is broken, else 0."""

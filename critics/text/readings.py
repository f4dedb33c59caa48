"""What else the words of a text may be read as, for who looks for words that must not be there.

The normal form folds a word of Latin and other letters to Latin. A Russian word with one Latin letter is none then, and
a Latin one that is written in Cyrillic alone is still Cyrillic.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import groupby
from typing import Literal

from critics.text.lookalikes import FROM_LATIN, TO_LATIN
from critics.text.normalise import Normalised, composed
from critics.text.unmasking import LATIN, Way, latin, latin_if_mixed, rewritten, translated, words


def readings(text: str) -> Iterator[Normalised]:
    """The normal form with words of several scripts in the other one than Latin, and with those that are all lookalikes
    in Latin; each only where there is such a word."""
    if text.isascii():
        return
    plain, offsets = composed(text)
    home, places = rewritten(plain, offsets, _home)
    if home != plain:
        yield Normalised(home, (*places, len(text)))
    if posing := _posing(plain):
        posed, places = rewritten(
            plain, offsets, lambda word: latin if word.start() in posing else latin_if_mixed(word)
        )
        yield Normalised(posed, (*places, len(text)))


def unsettled(text: str) -> bool:
    """Whether its last word has only lookalikes, so that how it is read is told by the words that follow."""
    if text.isascii():
        return False
    kinds = [kind for word in words(composed(text)[0]) if (kind := _kind(word[0]))]
    return bool(kinds) and kinds[-1] == "alike"


def _home(word: re.Match[str]) -> Way | None:
    """Into the script of its other letters, of a word that has Latin ones as well."""
    if word[0].isascii() or not LATIN.search(word[0]):
        return None
    script = next((script for letter in word[0] if (script := _script(letter)) in FROM_LATIN), None)
    return partial(translated, letters=FROM_LATIN[script]) if script else None


def _posing(text: str) -> frozenset[int]:
    """Where words begin that have only lookalikes, and whose neighbours are Latin.

    Among words of its own script it is most likely one: \u0440\u043e\u0442 in a Russian sentence is a mouth, not a pot.
    """
    runs = [
        (kind, list(group)) for kind, group in groupby((w for w in words(text) if _kind(w[0])), lambda w: _kind(w[0]))
    ]
    found = set[int]()
    for index, (kind, run) in enumerate(runs):
        beside = [kind for kind, _ in (*runs[max(0, index - 1) : index], *runs[index + 1 : index + 2])]
        # One letter is no word to forbid, and many a formula's.
        if kind == "alike" and set(beside) == {"latin"} and any(len(word[0]) > 1 for word in run):
            found |= {word.start() for word in run}
    return frozenset(found)


@lru_cache(maxsize=8192)
def _kind(word: str) -> Literal["latin", "alike", "other", ""]:
    letters = [char for char in unicodedata.normalize("NFKD", word) if char.isalpha()]
    if not letters:
        return ""
    if LATIN.search(word):
        return "latin"
    return "alike" if all(ord(letter) in TO_LATIN for letter in letters) else "other"


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    """The first word of its name."""
    return unicodedata.name(letter, "").partition(" ")[0]

"""What else the words of a text may be read as, for who looks for words that must not be there.

The normal form folds a word of Latin and other letters to Latin. A Russian word with one Latin letter is none then, and
a Latin one that is written in Cyrillic alone is still Cyrillic. Vowels of Arabic and Hebrew are written or left out,
and marks that no letter has only deck a Latin one.
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

_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed]"
)
_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]")
"""Combining marks that are drawn on letters of any script."""
_NEAR = 400
"""Characters before the end of a text in which its last words are looked for."""


def readings(text: str) -> Iterator[Normalised]:
    """The normal form with words of several scripts in the other one than Latin, with those that are all lookalikes in
    Latin, and without marks that may as well be left out; each only where there is such a word."""
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
    if _POINTS.search(plain) or _MARK.search(plain):
        bare, places = rewritten(plain, offsets, lambda word: _unmarked(word) or latin_if_mixed(word))
        if bare != rewritten(plain, offsets, latin_if_mixed)[0]:
            yield Normalised(bare, (*places, len(text)))


def at_home(words: str) -> str:
    """Words with some Latin letters in the script of the others."""
    return rewritten(words, list(range(len(words))), _home)[0]


def unpointed(words: str) -> str:
    """Arabic and Hebrew without the signs of vowels."""
    return _POINTS.sub("", words)


def unsettled(text: str) -> bool:
    """Whether its last words have only lookalikes, and how they are read is told by those that follow: words of their
    own script before them would have told already."""
    if text[-_NEAR:].isascii():
        return False
    kinds = [kind for word in words(composed(text[-_NEAR:])[0]) if (kind := _kind(word[0]))]
    before = next((kind for kind in reversed(kinds) if kind != "alike"), "latin")
    return kinds[-1:] == ["alike"] and before == "latin"


def _home(word: re.Match[str]) -> Way | None:
    """Into the script of its other letters, of a word that has Latin ones as well."""
    if word[0].isascii() or not LATIN.search(word[0]):
        return None
    script = next((script for letter in word[0] if (script := _script(letter)) in FROM_LATIN), None)
    return partial(translated, letters=FROM_LATIN[script]) if script else None


def _posing(text: str) -> frozenset[int]:
    """Where words begin that have only lookalikes, and whose neighbours are Latin, or that have none.

    Among words of its own script it is most likely one: \u0440\u043e\u0442 in a Russian sentence is a mouth, not a pot.
    """
    runs = [
        (kind, list(group)) for kind, group in groupby((w for w in words(text) if _kind(w[0])), lambda w: _kind(w[0]))
    ]
    found = set[int]()
    for index, (kind, run) in enumerate(runs):
        beside = [kind for kind, _ in (*runs[max(0, index - 1) : index], *runs[index + 1 : index + 2])]
        # One letter is no word to forbid, and many a formula's.
        if kind == "alike" and set(beside) <= {"latin"} and any(len(word[0]) > 1 for word in run):
            found |= {word.start() for word in run}
    return frozenset(found)


def _unmarked(word: re.Match[str]) -> Way | None:
    """Without signs of vowels; or without any marks, of a Latin word with one that makes no letter with another."""
    if _POINTS.search(word[0]):
        return unpointed
    return _stripped if LATIN.search(word[0]) and _MARK.search(word[0]) else None


@lru_cache(maxsize=8192)
def _stripped(cluster: str) -> str:
    return latin(_MARK.sub("", unicodedata.normalize("NFD", cluster)))


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

"""Names in a sentence: its capitalised words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from critics.grounded.facts.words import WORD, plain, says_little, stem

_COMMON = re.compile("(?:s|ly|ing|ed)$")
_BEGIN = re.compile(rf"\W*({WORD.pattern}) ({WORD.pattern})")
_ROOT = 5  # letters


def names(sentence: str) -> tuple[str, ...]:
    """Capitalised words that are not function words, each once and as written.

    The first word is none of them unless another follows it: every sentence begins so. Where most words are
    capitalised, as in headings, none is a name.
    """
    words = [found[0] for found in WORD.finditer(sentence)]
    capital = [word[0].isupper() for word in words]
    if len(words) > 3 and 4 * sum(capital) > 3 * len(words):
        return ()
    begin = 0 if capital[1:2] == [True] and not says_little(words[1]) else 1
    named = (word for word in words[begin:] if word[0].isupper() and not says_little(word))
    return tuple({plain(word): word for word in named}.values())


class Opening(NamedTuple):
    """How a sentence begins: its first word where that may be a name, else nothing, and the stem of the second."""

    name: str = ""
    then: str = ""


def opening(sentence: str) -> Opening:
    """No name looks like a plural, an adverb or a form of a verb here: too many sentences begin with those."""
    begin = _BEGIN.match(sentence)
    if begin is None or not begin[1][0].isupper() or says_little(begin[1]) or _COMMON.search(plain(begin[1])):
        return Opening()
    return Opening(begin[1], stem(begin[2]))


class Vocabulary:
    """Words in small letters, in which a name is found by itself or by its root: *German* in *Germany*."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        roots = sorted((word for word in self._words if len(word) >= _ROOT), key=lambda word: word[:_ROOT])
        self._roots = {root: tuple(alike) for root, alike in groupby(roots, key=lambda word: word[:_ROOT])}

    def __contains__(self, name: str) -> bool:
        wanted = plain(name)
        alike = self._roots.get(wanted[:_ROOT], ())
        return wanted in self._words or any(word.startswith(wanted) or wanted.startswith(word) for word in alike)

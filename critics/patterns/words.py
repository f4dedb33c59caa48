"""Whole words in running text: found, and counted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from critics.finding import Span
from critics.text.folding import folded
from critics.text.marks import marks
from critics.text.unspaced import UNSPACED, WORD_LETTERS

# A letter or digit that makes one word with its neighbour. An underscore does so only between two of them: snake_case
# is one word, _emphasis_ is a word in underscores.
_LETTER = rf"[^\W_{UNSPACED}]"
_NO_WORD_BEFORE = f"(?<!{_LETTER})(?<!{_LETTER}_)"
_NO_WORD_AFTER = f"(?!{_LETTER}|_{_LETTER})"
_NOTHING = r"[^\s\S]"


@dataclass(frozen=True)
class Words:
    """Words and phrases to look for: by their first word, or in one pattern where they begin with punctuation."""

    _by_first: Mapping[str, re.Pattern[str]]
    _others: re.Pattern[str]
    _case_sensitive: bool

    def spans(self, text: str) -> Iterator[Span]:
        """Where one of them stands as a whole; of two that begin together only the longer."""
        if self._case_sensitive:
            yield from self._places(text)
            return
        searched = folded(text)
        for place in self._places(searched.text):
            yield searched.span(*place)

    def found(self, text: str) -> bool:
        return next(self.spans(text), None) is not None

    def _places(self, text: str) -> Iterator[Span]:
        # Looked up by the word that stands there: a list of a thousand takes no longer than a list of one.
        for word in _first_word().finditer(text) if self._by_first else ():
            phrases = self._by_first.get(word[0])
            if phrases and (found := phrases.match(text, word.start())):
                yield Span(*found.span())
        for found in self._others.finditer(text):
            yield Span(*found.span(1))


@lru_cache(maxsize=1024)
def compile_words(words: tuple[str, ...], *, case_sensitive: bool) -> Words:
    """Prepare to look for `words`. White space in a phrase matches any run of it; a word without any is ignored.

    An edge that is a letter must not touch another letter. An edge that is punctuation may touch anything, and so may
    one in a script without spaces.
    """
    wanted = words if case_sensitive else [folded(word).text for word in words]
    phrases = sorted({" ".join(word.split()) for word in wanted} - {""}, key=lambda phrase: (-len(phrase), phrase))
    by_first: dict[str, list[str]] = {}
    for phrase in phrases:
        first = _first_word().match(phrase)
        by_first.setdefault(first[0] if first else "", []).append(_whole(phrase))
    # Escaped literals and `\s+`, nothing nested: linear on any engine, so this needs no RE2, whose word boundaries know
    # only ASCII. The look-ahead finds what overlaps as well.
    others = re.compile(f"(?=({'|'.join(by_first.pop('', [_NOTHING]))}))")
    return Words({first: re.compile("|".join(wholes)) for first, wholes in by_first.items()}, others, case_sensitive)


@lru_cache(maxsize=1)
def _first_word() -> re.Pattern[str]:
    return re.compile(f"{_NO_WORD_BEFORE}(?<![{marks()}])(?:{_LETTER}|[{marks()}])+")


def _whole(phrase: str) -> str:
    """A pattern for a phrase up to its right edge; the left one is seen to by how it is looked up."""
    body = r"\s+".join(map(re.escape, phrase.split()))
    after = f"{_NO_WORD_AFTER}(?![{marks()}])" if _in_word(phrase[-1]) else ""
    return body + after


def _in_word(char: str) -> bool:
    return re.match(_LETTER, char) is not None or unicodedata.category(char)[0] == "M"


def word_spans(text: str) -> tuple[Span, ...]:
    """The words of a text, for counting. `don't`, `well-known`, `snake_case` and `3.14` are one each.

    In Chinese and Japanese each character counts. In Thai and its neighbours, which use no spaces, a whole run does.
    """
    return tuple(Span(*found.span()) for found in _word().finditer(text))


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    letter = f"(?:[^\\W_{WORD_LETTERS}]|[{marks()}])"
    joined = f"(?:['\u2019\u2010_-]{letter}+|(?<=[0-9])[.,:][0-9]+)"
    return re.compile(f"[{WORD_LETTERS}]|{letter}+{joined}*")

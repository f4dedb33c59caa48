"""The words of a text in letters of another script, with the way back to where each character stood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from critics.text.lookalikes import SMALL_CAPITALS, TO_LATIN
from critics.text.marks import marks

LATIN = re.compile(f"[A-Za-z\u00c0-\u024f\u1e00-\u1eff{SMALL_CAPITALS}]")

Way = Callable[[str], str]
"""From a character with its marks to what it is read as."""


def words(text: str) -> Iterator[re.Match[str]]:
    return _grammar()[0].finditer(text)


def rewritten(text: str, offsets: list[int], way_of: Callable[[re.Match[str]], Way | None]) -> tuple[str, list[int]]:
    """The text with each word written in its way, if it has one, and the offsets of the characters."""
    pieces: list[str] = []
    places: list[int] = []
    done = 0
    for found in words(text):
        if (way := way_of(found)) is None:
            continue
        pieces.append(text[done : found.start()])
        places.extend(offsets[done : found.start()])
        for part in _grammar()[1].finditer(text, found.start(), found.end()):
            piece = way(part[0])
            pieces.append(piece)
            places.extend([offsets[part.start()]] * len(piece))
        done = found.end()
    return "".join([*pieces, text[done:]]), places + offsets[done:]


def latin_if_mixed(word: re.Match[str]) -> Way | None:
    """Fold lookalikes to Latin in the words that hold Latin letters as well."""
    return None if word[0].isascii() or not LATIN.search(word[0]) else latin


@lru_cache(maxsize=8192)
def latin(cluster: str) -> str:
    return translated(cluster, TO_LATIN)


def translated(cluster: str, letters: dict[int, str]) -> str:
    """A character in other letters, with its marks."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", cluster).translate(letters))


@lru_cache(maxsize=1)
def _grammar() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A word, and a character with its marks."""
    return re.compile(f"(?:[^\\W_]|[{marks()}])+"), re.compile(f"(?s:.)[{marks()}]*")

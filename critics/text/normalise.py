"""The form in which text is judged: what a reader takes it for, with the way back to where each character stood."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from critics.finding import Span
from critics.text import flags
from critics.text.invisible import INVISIBLE, LINE_BREAK, PLAIN, SURROGATE
from critics.text.strokes import unstruck
from critics.text.unmasking import latin_if_mixed, rewritten
from critics.text.visible import visible

__all__ = ["Normalised", "normalise", "typed", "visible"]

MAX_MARKS = 30
"""Combining marks on one character, as in Unicode's stream-safe form. More are dropped: sorting them takes quadratic
time, and no language needs them."""

_TATWEEL = "\u0640"  # draws a line of Arabic out, and spells nothing
_BLANK_PATTERN = "\u2800"  # Braille with no dots: drawn as a space, though not of category Zs
_LINE_BREAK = re.compile(LINE_BREAK)
_SURROGATE = re.compile(f"[{SURROGATE}]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_INDICATOR = re.compile(f"[{flags.FIRST}-{flags.LAST}]")


@dataclass(frozen=True)
class Normalised:
    """A text and, for each of its characters and its end, the index in the original where what it came from begins."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> Span:
        """The range of the original that `text[start:end]` came from.

        It holds whole characters with their marks, and the invisible ones inside and right after it.
        """
        first = self.offsets[start]
        if start >= end:
            return Span(first, first)
        return Span(first, self.offsets[bisect_right(self.offsets, self.offsets[end - 1])])


def normalise(text: str) -> Normalised:
    """NFKC without what a reader cannot see, nor strokes through letters or between them; spaces and line breaks of one
    kind; disguised Latin words in Latin.

    A second time changes nothing, and the result can always be encoded as UTF-8: a lone surrogate becomes U+FFFD.
    Time is linear in the length of the text.
    """
    if PLAIN.fullmatch(text):
        return Normalised(text, tuple(range(len(text) + 1)))
    unmasked, offsets = rewritten(*composed(text), latin_if_mixed)
    return Normalised(unmasked, (*offsets, len(text)))


def typed(text: str) -> str:
    """The punctuation and spaces of prose as a keyboard has them, and all else as it stands: what `normalise` makes of
    a text that hides nothing."""
    return text.translate(_AS_TYPED)


def composed(text: str) -> tuple[str, list[int]]:
    """All of that but for the disguised words, and where each character stood."""
    pieces: list[str] = []
    offsets: list[int] = []
    clusters = _clusters(text)
    for start, cluster in _spelt_out(clusters) if _INDICATOR.search(text) else clusters:
        piece = _nfkc(cluster)
        pieces.append(piece)
        offsets.extend([start] * len(piece))
    return "".join(pieces), offsets


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Where each character begins, and it with all that NFKC may compose with it or sort."""
    start, cluster, stacked = 0, "", 0
    for index, char in enumerate(text):
        shown = "" if text.startswith("\r\n", index) else _shown(char)
        if not shown:
            continue
        clings, weight = _clings(shown)
        if not (cluster and clings):
            if cluster:
                yield start, cluster
            start, cluster, stacked = index, shown, weight
        elif weight == 0 or stacked + weight <= MAX_MARKS:
            cluster += shown
            stacked += weight
    if cluster:
        yield start, cluster


def _spelt_out(clusters: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Regional indicators as the letters that they are, but for those that stand together as flags."""
    for boxed, group in groupby(clusters, key=lambda each: _INDICATOR.match(each[1]) is not None):
        run = list(group)
        if boxed and not flags.are_flags("".join(cluster for _, cluster in run)):
            run = [(start, cluster.translate(flags.TO_LATIN)) for start, cluster in run]
        yield from run


_BOXED = {first + number: chr(ord("A") + number) for first in (0x1F150, 0x1F170) for number in range(26)}
"""White capitals in black circles and squares, which NFKC leaves alone; of black ones in white it makes letters."""

_BOXED[0x3F9] = "\u03f2"  # the capital lunate sigma, of which NFKC makes one of another shape

_TYPED = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | dict.fromkeys("\u2018\u2019\u02bc", "'"))
"""Hyphens, short dashes and apostrophes as typographers set them, and as rules are typed."""


@lru_cache(maxsize=8192)
def _shown(char: str) -> str:
    """What a reader sees of a character: nothing, a plain space or line break, or itself."""
    if _LINE_BREAK.match(char):
        return "\n"
    if _SURROGATE.match(char):
        return "\ufffd"
    if _INVISIBLE.match(char):
        return ""
    if _TATWEEL in (plain := unicodedata.normalize("NFKC", char)):  # some carry a mark
        return plain.replace(_TATWEEL, "")
    return " " if char == _BLANK_PATTERN or unicodedata.category(char) == "Zs" else char


@lru_cache(maxsize=8192)
def _clings(char: str) -> tuple[bool, int]:
    """Whether it belongs to the character before it, and how many marks it carries that are to be sorted."""
    parts = unicodedata.normalize("NFKD", char)
    # Only marks, the later jamo of a Hangul syllable and one vowel of Kirat Rai compose with what precedes them.
    clings = unicodedata.category(parts[0])[0] == "M" or "\u1161" <= parts[0] <= "\u11ff" or parts[0] == "\U00016d67"
    return clings, sum(unicodedata.combining(part) > 0 for part in parts)


@lru_cache(maxsize=8192)
def _nfkc(cluster: str) -> str:
    bare = unicodedata.normalize("NFKC", unstruck(unicodedata.normalize("NFKC", cluster.translate(_BOXED))))
    # Dashes behind it: a superscript minus becomes one here. Nothing composes with what they become.
    return bare.translate(_TYPED)


_AS_TYPED = _TYPED | {
    ord(char): _nfkc(_shown(char)) for char in "\u2026\u00a0\u202f\u3000\uff08\uff09\uff0c\uff01\uff1a\uff1b\uff1f"
}
"""What prose has of other punctuation and spaces than a keyboard, and `normalise` changes."""

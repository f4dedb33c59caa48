"""The forms of one text in which data are looked for, each with the way back to where a character stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from critics.finding import Span
from critics.text.normalise import normalise
from critics.text.unspaced import HANGUL, UNSPACED

# Both alternatives begin only where a run does: tried at each of its characters, a long one takes quadratic time.
_EMPHASIS = re.compile(r"(?<!\w)_+(?=\S)|(?<=[^\s_])_+(?!\w)")
_ATTACHED = re.compile(rf"(?:(?!\d|(?<=\d)\u30fc\d)[{UNSPACED}{HANGUL}])+")  # not the long dash of Japanese numbers
WALL = '"'
"""What stands in the place of what is blanked. No pattern takes it for a part of anything: a space joins numbers."""


class View(NamedTuple):
    """A text to be searched, the one of the same length in which nothing is blanked, and where its places are."""

    text: str
    around: str
    locate: Callable[[int, int], Span]


def views(text: str) -> Iterator[View]:
    """Normalising takes disguises off, but it may also join what was apart, so the raw text is searched as well."""
    yield from _with_bared(text, Span)
    normal = normalise(text)
    if normal.text != text:
        yield from _with_bared(normal.text, normal.span)


def _with_bared(text: str, locate: Callable[[int, int], Span]) -> Iterator[View]:
    """As it is, since a name or a domain may be in any script, and without what patterns take for a part of the data:
    letters of scripts in which it touches the next word, and the underscores of Markdown's emphasis."""
    yield View(text, text, locate)
    bared = _ATTACHED.sub(lambda letters: WALL * len(letters[0]), text)
    bared = _EMPHASIS.sub(lambda marks: " " * len(marks[0]), bared)
    if bared != text:
        yield View(bared, text, locate)

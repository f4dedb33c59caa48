"""How long a text is in characters, words and sentences, against a rule's bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from critics.finding import Span
from critics.manifesto.schema import Length, Patterns
from critics.patterns.words import word_spans
from critics.text.normalise import Normalised
from critics.text.sentences import sentences
from critics.text.visible import visible

_SELECTORS = {ord("\ufe0e"): None, ord("\ufe0f"): None}
"""Of whether a sign is a picture: no characters to a reader."""


@dataclass(frozen=True)
class Misfit:
    """A length out of bounds; `excess` is what is too much, from the start of a sentence, in the text measured."""

    what: str
    excess: Span | None = None


def misfits(raw: str, normal: Normalised, options: Patterns) -> Iterator[Misfit]:
    """Every length of a text that `options` do not allow; `raw` is as it was written."""
    text = normal.text
    if options.characters:
        yield from _against(options.characters, "character", _characters(raw, normal), text)
    if options.words:
        yield from _against(options.words, "word", [span.start for span in word_spans(text)], text)
    if options.sentences:
        yield from _against(options.sentences, "sentence", _spoken(text), text)


def _characters(raw: str, normal: Normalised) -> list[int]:
    """Where the characters begin: one that the normal form spells out, such as an ellipsis, is one still."""
    found: list[int] = []
    for place, group in groupby(range(len(normal.text)), key=normal.offsets.__getitem__):
        spelt = list(group)
        written = visible(raw[place : normal.offsets[spelt[-1] + 1]]).translate(_SELECTORS)
        found += spelt[: len(written)]
    return found


def _spoken(text: str) -> list[int]:
    """Where the sentences begin that say something: a rule drawn with dashes is none."""
    return [span.start for span in sentences(text) if any(char.isalnum() for char in text[slice(*span)])]


def _against(bounds: Length, unit: str, starts: Sequence[int], text: str) -> Iterator[Misfit]:
    count, least, most = len(starts), bounds.at_least, bounds.at_most
    if least is not None and count < least:
        yield Misfit(f"has {_counted(count, unit)}, at least {least} {_are(least)} required")
    if most is not None and count > most:
        begin = next((s.start for s in sentences(text) if s.end > starts[most]), starts[most])
        yield Misfit(f"has {_counted(count, unit)}, at most {most} {_are(most)} allowed", Span(begin, len(text)))


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}" + ("" if count == 1 else "s")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"

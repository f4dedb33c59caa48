"""The search of one text: the raw one and the normalised one, in one list of hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from critics.finding import Span
from critics.manifesto.schema import Entity, PersonalData
from critics.personal_data.context import boosted, words_pattern
from critics.personal_data.hits import Hit, merged, not_allowed
from critics.personal_data.plausible import plausible
from critics.personal_data.recognisers import Recogniser, Result, recognisers
from critics.personal_data.windows import around_digits, windows
from critics.text.normalise import normalise

_TOO_COMMON: dict[Entity, frozenset[str]] = {"phone": frozenset({"number"}), "iban": frozenset({"bank"})}
"""Words of Presidio's that stand before any number."""

# Both alternatives begin only where a run does: tried at each of its characters, a long one takes quadratic time.
_EMPHASIS = re.compile(r"(?<!\w)_+(?=\S)|(?<=[^\s_])_+(?!\w)")


def search(text: str, options: PersonalData) -> list[Hit]:
    """The personal data in a text, in order of place, without overlaps.

    Raises `ExtraMissing` without Presidio, and `CriticsError` for an unknown region.
    """
    by_kind = recognisers(options.entities, options.regions)
    hits = [hit for hit in _both_views(text, by_kind) if hit.score >= options.score]
    return merged(not_allowed(hits, options.allow))


def _both_views(text: str, by_kind: Mapping[Entity, Recogniser]) -> Iterator[Hit]:
    """Normalising takes disguises off, but it may also join what was apart, so the raw text is searched as well. What
    Markdown emphasises stands between underscores, which patterns take for letters."""
    yield from _hits(text, by_kind, Span)
    if (plain := _EMPHASIS.sub(lambda marks: " " * len(marks[0]), text)) != text:
        yield from _hits(plain, by_kind, Span)
    normal = normalise(text)
    if normal.text != text:
        yield from _hits(normal.text, by_kind, normal.span)


def _hits(view: str, by_kind: Mapping[Entity, Recogniser], locate: Callable[[int, int], Span]) -> Iterator[Hit]:
    for kind, recogniser in by_kind.items():
        words = words_pattern(frozenset(recogniser.context) - _TOO_COMMON.get(kind, frozenset()))
        for result, offset in _results(view, kind, recogniser):
            start, end = result.start + offset, result.end + offset
            score = boosted(plausible(kind, view, start, end, result.score), view, start, words)
            yield Hit(kind, locate(start, end), score, view[start:end])


def _results(view: str, kind: Entity, recogniser: Recogniser) -> Iterator[tuple[Result, int]]:
    """Every find, with the offset of the piece that it was found in."""
    pieces = around_digits(view) if kind == "phone" else windows(view)
    for piece in pieces:
        for result in recogniser.analyze(view[piece.start : piece.end], recogniser.supported_entities):
            if not piece.cuts(result.start + piece.start, result.end + piece.start, len(view)):
                yield result, piece.start

"""The search of one text: each of its views, in one list of hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from critics.manifesto.schema import Entity, PersonalData
from critics.personal_data.apart import set_apart
from critics.personal_data.context import boosted, words_pattern
from critics.personal_data.hits import Hit, merged, not_allowed
from critics.personal_data.plausible import plausible
from critics.personal_data.recognisers import Recogniser, Result, recognisers
from critics.personal_data.views import View, views
from critics.personal_data.windows import around_digits, windows

_TOO_COMMON: dict[Entity, frozenset[str]] = {"phone": frozenset({"number"}), "iban": frozenset({"bank"})}
"""Words of Presidio's that stand before any number."""
_MORE: dict[Entity, frozenset[str]] = {
    "phone": frozenset(
        ["tel", "fax", "whatsapp", "telefon", "handy", "mobil", "rufnummer", "téléphone", "teléfono", "telefono"]
    )
}
"""Words that Presidio lacks."""


def search(text: str, options: PersonalData) -> list[Hit]:
    """The personal data in a text, in order of place, without overlaps.

    Raises `ExtraMissing` without Presidio, and `CriticsError` for an unknown region.
    """
    by_kind = recognisers(options.entities, options.regions)
    hits = [hit for view in views(text) for hit in _hits(view, by_kind) if hit.score >= options.score]
    return merged(not_allowed(hits, options.allow, text))


def _hits(view: View, by_kind: Mapping[Entity, Recogniser]) -> Iterator[Hit]:
    for kind, recogniser in by_kind.items():
        context = frozenset(recogniser.context) - _TOO_COMMON.get(kind, frozenset())
        words = words_pattern(context | _MORE.get(kind, frozenset()))
        for result, offset in _results(view.text, kind, recogniser):
            start, end = result.start + offset, result.end + offset
            score = boosted(plausible(kind, view, start, end, result.score), view.text, start, words)
            yield Hit(kind, view.locate(start, end), score, view.text[start:end])


def _results(text: str, kind: Entity, recogniser: Recogniser) -> Iterator[tuple[Result, int]]:
    """Every find, with the offset of the piece that it was found in."""
    for searched in set_apart(text) if kind == "phone" else (text,):
        for piece in around_digits(searched) if kind == "phone" else windows(searched):
            for result in recogniser.analyze(searched[piece.start : piece.end], recogniser.supported_entities):
                if not piece.cuts(result.start + piece.start, result.end + piece.start, len(text)):
                    yield result, piece.start

"""How much a source weighs against another: by its kind and its date."""

from __future__ import annotations

import re
from collections.abc import Sequence

from critics.exchange import Source
from critics.manifesto.schema import Grounded

_DATE = re.compile(r"\s*(\d{4})(?!\d)(?:-(0[1-9]|1[0-2])(?!\d)(?:-(0[1-9]|[12]\d|3[01])(?!\d))?)?")


def standings(sources: Sequence[Source], options: Grounded) -> list[float]:
    """For each source how high it stands: a kind further up the list counts as much as `half_life` years.

    A kind that is missing or not on the list stands below all that are. A source without a date counts as `half_life`
    years older than the oldest that has one.
    """
    years = [_year(source.published) for source in sources]
    undated = min((year for year in years if year is not None), default=0.0) - options.half_life
    return [
        (undated if year is None else year) / options.half_life - _rank(source.kind, options.kinds)
        for source, year in zip(sources, years, strict=True)
    ]


def _rank(kind: str, kinds: Sequence[str]) -> int:
    known = [_spelling(each) for each in kinds]
    return known.index(_spelling(kind)) if _spelling(kind) in known else len(known)


def _spelling(kind: str) -> str:
    return re.sub(r"[\s_-]+", "-", kind.strip().casefold())


def _year(published: str) -> float | None:
    """An ISO 8601 date, or the beginning of one, in years."""
    date = _DATE.match(published)
    if date is None:
        return None
    return int(date[1]) + (int(date[2] or 1) - 1) / 12 + (int(date[3] or 1) - 1) / 372

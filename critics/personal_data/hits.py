"""What was found, where, and what is left of it once the overlaps and the permitted are gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from critics.finding import Span
from critics.manifesto.schema import Entity
from critics.text.unspaced import HANGUL, UNSPACED

_BEFORE = re.compile(f"^[{UNSPACED}{HANGUL}_]+")
_CLOSED = re.compile(r"[^\n]*_")


@dataclass(frozen=True)
class Hit:
    """One find. `text` is as it was read, with any disguise taken off; `span` is where it stands in the text judged."""

    kind: Entity
    span: Span
    score: float
    text: str


def not_allowed(hits: Iterable[Hit], allow: Iterable[str], text: str) -> list[Hit]:
    """The hits in a text that are not allowed, nor part of one that is: `example.com` within an allowed
    `jane@example.com`."""
    hits, allow = list(hits), list(allow)
    free = [hit.span for hit in hits if _is_allowed(hit, allow, text)]
    return [hit for hit in hits if not any(_covers(span, hit.span) for span in free)]


def merged(hits: Iterable[Hit]) -> list[Hit]:
    """Hits that overlap made one, in order of place: over all of their span, as the surest, then longest, of them."""
    groups: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.span):
        if groups and hit.span.start < groups[-1].span.end:
            groups[-1] = _joined(groups[-1], hit)
        else:
            groups.append(hit)
    return groups


def _joined(one: Hit, other: Hit) -> Hit:
    best = max(one, other, key=lambda hit: (hit.score, len(hit.text)))
    return replace(best, span=Span(one.span.start, max(one.span.end, other.span.end)))


def _is_allowed(hit: Hit, allow: Sequence[str], whole: str) -> bool:
    if hit.kind == "phone":
        return _digits(hit.text) in {_digits(value) for value in allow}
    text = hit.text.strip().casefold()
    # None of the value is a word before it, in a script without spaces, nor an underscore that begins an emphasis.
    before = _BEFORE.match(text)
    emphasised = before is None or "_" not in before[0] or _CLOSED.match(whole, hit.span.end)
    found = {text, text[before.end() :] if before and emphasised else text}
    return not found.isdisjoint(value.strip().casefold() for value in allow)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _covers(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end

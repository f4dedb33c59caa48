"""What a critique says of a claim."""

from __future__ import annotations

from critics.exchange import Source
from critics.grounded.weighing import Opinion
from critics.patterns.quote import quoted

_CLAIM = 80  # characters of a quotation


def reason(claim: str, found: Opinion, source: Source) -> str:
    """Why a claim is not borne out, with the source that decided."""
    said, where = quoted(claim, most=_CLAIM), _named(source, found.decided.passage.source)
    if not found.near:
        return f"{said} is borne out by no source; the nearest is {where}"
    if found.missing:
        return f"{said}: no source says {quoted(found.missing)}; the nearest is {where}"
    clash = found.decided.clash
    if clash is None:
        return f"{said} is hardly borne out by {where}"
    if clash.claimed:
        return f"{said}: not {quoted(clash.claimed)} but {quoted(clash.stated)} says {where}"
    return f"{said} is contradicted by {quoted(found.decided.passage.text, most=_CLAIM)} in {where}"


def _named(source: Source, index: int) -> str:
    name = quoted(source.origin) if source.origin.strip() else f"source {index + 1}"
    tags = ", ".join(quoted(tag)[1:-1] for tag in (source.kind, source.published) if tag.strip())
    return f"{name} ({tags})" if tags else name

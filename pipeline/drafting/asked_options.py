"""What clients ask of the drafts in OpenAI's fields, read by one rule at every door."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.drafting.generator import DraftOptions
from pipeline.drafting.wanted import Form, Tools
from pipeline.errors import BadInput

_LEAST = 1e-4
"""Of `top_p`: none at all would leave nothing to draw from."""


def asked_options(
    *bounds: int | None,
    stop: str | Sequence[str] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    tools: Tools | None = None,
    form: Form | None = None,
) -> DraftOptions:
    """The smallest of the bounds that are given counts, OpenAI having two fields for one. Raises `BadInput` for an
    empty string in `stop`: every draft would end before it began."""
    ends = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if "" in ends:
        raise BadInput("`stop` must not be empty, nor hold an empty string: leave it out")
    most = min((bound for bound in bounds if bound is not None), default=None)
    return DraftOptions(most, ends, temperature, None if top_p is None else max(top_p, _LEAST), tools, form)

"""The faults of a route, for its OpenAPI."""

from __future__ import annotations

from typing import Any

from pipeline.server.faults import ErrorBody

_WHEN = {
    400: "No such request, or not one that can be answered here.",
    401: "No key, or an unknown one.",
    403: "No keys are set, and the request was sent to another name than this machine's own.",
    404: "No such model, or not for this key.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    422: "Withheld, by a manifesto that wants an error for that.",
    429: "Too many requests wait already.",
    500: "A bug of the server's.",
    502: "The model behind failed.",
    503: "The model behind cannot be reached or is busy, or the server is shutting down.",
    504: "No answer in time.",
}


Declared = dict[int | str, dict[str, Any]]
"""Responses as FastAPI takes them."""


def faulty(*statuses: int) -> Declared:
    """Those, and what any route may answer with."""
    return {status: {"model": ErrorBody, "description": _WHEN[status]} for status in sorted({*statuses, 500})}


POSTED = faulty(*_WHEN)
"""What a route that takes a body and asks a model may answer with."""

STREAMED = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
"""What a route says of an answer that it streams."""

"""What is wrong with a request that is none, in OpenAI's words: the one fault that helps most, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pipeline.server.faults import ApiError

_LONGEST = 200
"""Characters of a place: the names of fields in it are the client's."""


def invalid(exc: RequestValidationError) -> ApiError:
    """OpenAI's answer to what FastAPI calls 422."""
    errors = exc.errors()
    if errors[0]["type"] == "json_invalid":
        why, at = errors[0]["ctx"]["error"], errors[0]["loc"][-1]
        return ApiError(400, f"the body is no JSON: {why}, at character {at}", code="invalid_json")
    # Of a field that may be one thing or another, the fault that lies deepest is that of the one that was meant.
    error = max(errors, key=lambda error: len(_steps(error, exc.body)))
    place = ".".join(map(str, _steps(error, exc.body)))[:_LONGEST]
    if not place:
        return ApiError(400, _no_object(exc.body), code="invalid_value")
    if error["type"] == "missing":
        return ApiError(400, f"`{place}` is missing", param=place, code="missing_required_parameter")
    return ApiError(400, f"`{place}`: {error['msg']}", param=place, code="invalid_value")


def unreadable(exc: HTTPException) -> ApiError:
    """For what FastAPI could not make JSON of."""
    match exc.__cause__:
        case UnicodeDecodeError():
            why = "it is not in UTF-8"
        case RecursionError():
            why = "it is nested too deeply"
        case _:
            why = "it holds what cannot be read, such as a number of thousands of digits"
    return ApiError(exc.status_code, f"the body is no JSON that can be read here: {why}", code="invalid_json")


def _steps(error: Mapping[str, Any], body: Any) -> Sequence[str | int]:
    """The way to the place in what was sent. What pydantic calls the branches of a union is none of its steps."""
    steps: list[str | int] = []
    at = body
    for step in error["loc"][1:]:
        if (isinstance(at, dict) and step in at) or (isinstance(at, list) and step in range(len(at))):
            at = at[step]
            steps.append(step)
    if error["type"] == "missing" and isinstance(at, dict):
        steps.append(error["loc"][-1])
    return steps


def _no_object(body: Any) -> str:
    if body is None:
        return "the body is empty: send a JSON object"
    if isinstance(body, bytes):
        return "the body is not announced as JSON: send it with `Content-Type: application/json`"
    return "the body must be a JSON object"

"""Faults with a status of their own and OpenAI's error body. None of them ever looks like an assistant's message.

| status | when |
|---|---|
| 400 | the request is no such request, asks for what is not there, or does not fit the model's context |
| 401 | no key, or one that is not known |
| 403 | no keys are set, and the request was sent to another name than this machine's own |
| 404 | no such model, or not for this key; no such address |
| 408 | the body did not come in time |
| 413 | the body is too large |
| 422 | withheld, by a manifesto that wants an error for that |
| 429 | the queue is full |
| 500 | a fault of the server's own, which there should be none of |
| 502 | the model behind failed, or refused |
| 503 | the model behind is out of reach or busy; the server is ending, or full of what never answers |
| 504 | no answer in time |
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel

_TYPES = {401: "authentication_error", 429: "rate_limit_error"}
_LONGEST = 80
AFTER = 2
"""Seconds to wait where nobody knows better."""


class ErrorInfo(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """What a client of OpenAI's expects of a fault."""

    error: ErrorInfo


class ApiError(Exception):
    """A fault as the client sees it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        self.body = ErrorBody(error=ErrorInfo(message=message, type=kind, param=param, code=code))
        wait = {} if retry_after is None else {"retry-after": str(max(1, math.ceil(retry_after)))}
        self.headers = {**wait, **(headers or {})}


def full() -> ApiError:
    return ApiError(429, "too many requests are waiting: try again later", code="queue_full", retry_after=AFTER)


def ending() -> ApiError:
    return ApiError(503, "the server is shutting down", code="shutting_down", retry_after=AFTER)


def stuck() -> ApiError:
    what = "too much is at work for nobody any more and does not stop: try again later"
    return ApiError(503, what, code="stuck", retry_after=AFTER)


def too_late(seconds: float) -> ApiError:
    return ApiError(504, f"no answer within {seconds:g} seconds", code="timeout")


def bug() -> ApiError:
    return ApiError(500, "the server failed; its log says how", code="internal_error")


def no_model(name: str) -> ApiError:
    """The same for a model that is not there and for one that the key is not for, so that keys learn nothing."""
    what = f"the model {told(name)} does not exist, or is not for this key"
    return ApiError(404, what, param="model", code="model_not_found")


def not_for_key() -> ApiError:
    return ApiError(403, "this is for keys that are for all manifestos", code="key_not_allowed")


def told(given: str | None) -> str:
    """What a client has sent, as far as it is told back."""
    return repr(given if given is None or len(given) <= _LONGEST else f"{given[:_LONGEST]}…")

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
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from pipeline.errors import BadInput, ContextOverflow, ModelFault, ModelUnable, ModelUnavailable
from pipeline.loop import Outcome

_TYPES = {401: "authentication_error", 429: "rate_limit_error"}
_LONGEST = 80
_AFTER = 2
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
    return ApiError(429, "too many requests are waiting: try again later", code="queue_full", retry_after=_AFTER)


def ending() -> ApiError:
    return ApiError(503, "the server is shutting down", code="shutting_down", retry_after=_AFTER)


def stuck() -> ApiError:
    what = "too much is at work for nobody any more and does not stop: try again later"
    return ApiError(503, what, code="stuck", retry_after=_AFTER)


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


def of_outcome(outcome: Outcome) -> ApiError | None:
    """The fault of an outcome that holds nothing to say, if it is one."""
    if outcome.status == "faulted":
        return of_model(outcome.cause or ModelFault(outcome.fault))
    if outcome.answer is None:
        return ApiError(422, "no answer passed, and the manifesto wants an error for that", code="content_filter")
    return None


def of_exception(exc: Exception) -> ApiError | None:
    """What went wrong in a thread, where it is somebody's fault that we know of."""
    if isinstance(exc, ApiError):
        return exc
    if isinstance(exc, ModelFault):
        return of_model(exc)
    return ApiError(400, str(exc)) if isinstance(exc, BadInput) else None


def of_model(fault: ModelFault) -> ApiError:
    """The text is a fault's first words: what an upstream said may tell of addresses and names behind the server."""
    if isinstance(fault, ContextOverflow):
        what = "the conversation is too long for the model: shorten it"
        return ApiError(400, what, param="messages", code="context_length_exceeded")
    if isinstance(fault, ModelUnable):
        return _unable(fault)
    if not isinstance(fault, ModelUnavailable):
        return ApiError(502, "the model failed to answer", code="model_failed")
    if any("timeout" in type(cause).__name__.lower() for cause in causes(fault)):
        return ApiError(504, "the model did not answer in time", code="model_timeout")
    what = "the model cannot be reached, or is busy: try again later"
    return ApiError(503, what, code="model_unavailable", retry_after=fault.retry_after or _AFTER)


def _unable(fault: ModelUnable) -> ApiError:
    tools = fault.asked == "tools"
    field, cannot = ("tools", "does not take them") if tools else ("response_format", "cannot keep to this form")
    why = f" ({fault.why})" if fault.why else ""
    return ApiError(400, f"`{field}`: the model behind {cannot}{why}", param=field, code="unsupported_parameter")


def causes(exc: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it came of, and so on."""
    seen = 0
    while exc is not None and seen < 10:
        yield exc
        exc, seen = exc.__cause__ or exc.__context__, seen + 1

"""What went wrong behind the server, as the client sees it: whose fault it is, and who can do something about it.

What a model's server said is not told: it may hold addresses and names, and what others have asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import (
    BadInput,
    ContextOverflow,
    ModelBusy,
    ModelFault,
    ModelMissing,
    ModelRefused,
    ModelUnable,
    ModelUnavailable,
)
from pipeline.loop import Outcome
from pipeline.server.faults import AFTER, ApiError

_OPERATOR = "whoever runs this server must check its settings"


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
    return ApiError(400, str(exc), code="invalid_value") if isinstance(exc, BadInput) else None


def of_model(fault: ModelFault) -> ApiError:
    """By the kind of the fault, and the status that it came of."""
    if isinstance(fault, ContextOverflow):
        what = "the conversation is too long for the model: shorten it"
        return ApiError(400, what, param="messages", code="context_length_exceeded")
    if isinstance(fault, ModelUnable):
        return _unable(fault)
    if not isinstance(fault, ModelUnavailable):
        return ApiError(502, _failed(fault), code="model_failed")
    if any("timeout" in type(cause).__name__.lower() for cause in causes(fault)):
        return ApiError(504, "the model did not answer in time", code="model_timeout")
    what = f"{_unavailable(fault)}: try again later"
    return ApiError(503, what, code="model_unavailable", retry_after=fault.retry_after or AFTER)


def _failed(fault: ModelFault) -> str:
    """Why asking again changes nothing, and who can do something about it."""
    if isinstance(fault, ModelMissing):
        return f"the server behind has no such model, or no such address: {_OPERATOR}"
    if not isinstance(fault, ModelRefused):
        return "the model failed to answer"
    status = status_behind(fault)
    if status in (401, 403):
        return f"the server behind does not accept the key that it is sent (HTTP {status}): {_OPERATOR}"
    return "the server behind does not take the request" + (f" (HTTP {status})" if status else "")


def _unavailable(fault: ModelUnavailable) -> str:
    if isinstance(fault, ModelBusy):
        return "the model is busy"
    status = status_behind(fault)
    return f"the server behind has failed (HTTP {status})" if status else "the model cannot be reached, or broke off"


def _unable(fault: ModelUnable) -> ApiError:
    tools = fault.asked == "tools"
    field, cannot = ("tools", "does not take them") if tools else ("response_format", "cannot keep to this form")
    why = f" ({fault.why})" if fault.why else ""
    return ApiError(400, f"`{field}`: the model behind {cannot}{why}", param=field, code="unsupported_parameter")


def status_behind(exc: BaseException | None) -> int | None:
    """The HTTP status that a client's exception, or what it came of, carries."""
    found = (getattr(cause, "status_code", None) for cause in causes(exc))
    return next((status for status in found if isinstance(status, int)), None)


def causes(exc: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it came of, and so on."""
    seen = 0
    while exc is not None and seen < 10:
        yield exc
        exc, seen = exc.__cause__ or exc.__context__, seen + 1

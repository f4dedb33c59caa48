"""Vendors' exceptions become ours, in this one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from critics import CriticsError
from pipeline.errors import (
    ContextOverflow,
    ModelBusy,
    ModelFault,
    ModelMissing,
    ModelRefused,
    ModelUnavailable,
    PipelineError,
)
from pipeline.langchain_door.shape import retry_after, root_words_of, status_of, unreachable, words_of

_LATER = frozenset({408, 409, 425, 429})
_OVERFLOW = re.compile(
    r"context[ _-]?(?:length|window|size)|maximum context|(?:prompt|input) is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)


class ParameterRefused(ModelRefused):
    """The server does not take one of the parameters; without it, it may well answer."""


@contextmanager
def translated(name: str, *, secrets: Sequence[str] = ()) -> Iterator[None]:
    """Turn whatever a vendor raises inside into a `ModelFault` that names the model and the cure, `from` the original.

    Our own errors pass through. `secrets` never appear in the text, nor does anything that looks like a key.
    """
    try:
        yield
    except (PipelineError, CriticsError):
        raise
    except Exception as exc:
        raise _fault(exc, name, secrets) from exc


@contextmanager
def refusals_of(parameter: str) -> Iterator[None]:
    """Raise `ParameterRefused` where a fault names `parameter`: some servers answer one they do not take with a 500."""
    try:
        yield
    except ModelFault as fault:
        if parameter and parameter in str(fault):
            raise ParameterRefused(str(fault)) from fault
        raise


def about_the_request(refusal: ModelRefused) -> bool:
    """Whether the server disliked what was asked (so that asking otherwise may help), and not who asks."""
    return isinstance(refusal, ParameterRefused) or status_of(refusal.__cause__) in (400, 422)


def _fault(exc: Exception, name: str, secrets: Sequence[str]) -> ModelFault:
    status = status_of(exc)
    words = words_of(exc, secrets=secrets)
    if status not in (401, 403, 404, *_LATER) and _OVERFLOW.search(words):
        return ContextOverflow(f"the prompt is too long for {name}: shorten it or give the model more context; {words}")
    if status is not None:
        return _by_status(status, exc, name, words)
    if unreachable(exc):
        why = root_words_of(exc, secrets=secrets)
        return ModelUnavailable(f"{name} cannot be reached: see that its server runs and that base_url is right; {why}")
    return ModelFault(f"{name} failed with {type(exc).__name__}: {words}")


def _by_status(status: int, exc: Exception, name: str, words: str) -> ModelFault:
    if status in (401, 403):
        # Not the server's own words: some of them repeat the key.
        return ModelRefused(f"{name} does not accept the key (HTTP {status}): check its api_key")
    if status == 404:
        return ModelMissing(f"{name} is not there (HTTP 404): check its name, and that base_url ends in /v1; {words}")
    wait = retry_after(exc)
    if status in _LATER or (status == 503 and wait is not None):
        return ModelBusy(f"{name} is busy (HTTP {status}): ask again later; {words}", retry_after=wait)
    if status >= 500:
        return ModelUnavailable(f"{name} has failed (HTTP {status}): see its server's log; {words}", retry_after=wait)
    return ModelRefused(f"{name} does not take the request (HTTP {status}): {words}")

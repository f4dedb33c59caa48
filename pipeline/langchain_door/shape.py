"""What a foreign exception looks like, whichever vendor raised it: status, headers, connection, words."""

from __future__ import annotations

import errno
import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 300

# httpx and httpx2, requests and urllib3, aiohttp, the vendors' clients and LangChain's own: told by name, so that
# none of them has to be imported, or even installed.
_UNREACHABLE = frozenset(
    {
        *("TransportError", "TimeoutException", "NetworkError"),
        *("ConnectionError", "Timeout", "NewConnectionError"),
        *("ClientConnectionError", "ServerDisconnectedError"),
        *("APIConnectionError", "APITimeoutError", "ModelConnectionError", "ModelTimeoutError"),
    }
)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ETIMEDOUT})

_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf)[-_][\w*.-]{6,}|\bAIza[\w-]{10,}|\bbearer\s+\S+"
    r"|\b(?:api[-_ ]?key|access[-_ ]?token|secret)['\"]?\s*[=:]\s*\S+|(?<=://)[^/@\s]+(?=@)",
    re.IGNORECASE,
)


def status_of(exc: BaseException | None) -> int | None:
    """The HTTP status from 400 to 599 that an exception carries, or `None`."""
    candidates = [getattr(exc, "status_code", None), getattr(getattr(exc, "response", None), "status_code", None)]
    candidates += [getattr(exc, "status", None), getattr(exc, "code", None)]
    return next((status for status in candidates if isinstance(status, int) and 400 <= status <= 599), None)


def retry_after(exc: BaseException) -> float | None:
    """Seconds to wait as the `Retry-After` header asks, in seconds or as an HTTP date; `None` where it asks nothing."""
    headers = getattr(getattr(exc, "response", None), "headers", None)
    value = headers.get("retry-after") or headers.get("Retry-After") if isinstance(headers, Mapping) else None
    if not isinstance(value, str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()


def unreachable(exc: BaseException) -> bool:
    """Whether it is about the way to the server: refused, no such host, TLS, timed out, broken off."""
    return any(_lost(link) for link in _chain(exc))


def _lost(exc: BaseException) -> bool:
    if isinstance(exc, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError):
        return True
    if isinstance(exc, OSError) and exc.errno in _NO_WAY:
        return True
    return any(cls.__name__ in _UNREACHABLE for cls in type(exc).__mro__)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what it was explicitly raised from, outermost first."""
    link: BaseException | None = exc
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def words_of(exc: BaseException, *, secrets: Sequence[str] = ()) -> str:
    """What it says, in one line and without keys: the server's own message where there is one."""
    body = getattr(exc, "body", None)
    if isinstance(body, Mapping):
        body = body.get("error", body)
    said = body.get("message") or body.get("detail") if isinstance(body, Mapping) else body
    return one_line(said if isinstance(said, str) and said else str(exc), secrets=secrets)


def root_words_of(exc: BaseException, *, secrets: Sequence[str] = ()) -> str:
    """What the innermost cause says: a client's "Connection error." hides why."""
    *_, root = _chain(exc)
    return one_line(f"{root}" or type(root).__name__, secrets=secrets)


def one_line(text: str, *, secrets: Sequence[str] = ()) -> str:
    """Text in one line, cut to a readable length, with everything that looks like a key or is one blotted out."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = " ".join(_SECRET.sub("***", text[: 10 * _LONGEST]).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

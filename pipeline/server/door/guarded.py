"""Who may come in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.server.door.answer import refuse
from pipeline.server.door.keys import Key, known
from pipeline.server.faults import ApiError

_OPEN = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/", "/v1"})


class Guarded:
    """Lets those in who have a key. Where no keys are set everybody may come in who is on this machine: only there it
    is listened, and other people's web pages are kept out.

    Figures and rule names are not for everybody either, so `/metrics` wants a key as well.
    """

    def __init__(self, app: ASGIApp, keys: Sequence[Key]) -> None:
        self._app = app
        self._keys = tuple(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._keys:
            given = _bearer(Headers(scope=scope).get("authorization", ""))
            key = known(given, self._keys) if given else None
            if key is None and scope["path"] not in _OPEN:
                await refuse(_unknown(given), scope, receive, send)
                return
            if key is not None:
                scope.setdefault("state", {})["key"] = key
        elif scope["type"] == "http" and not _own_name(Headers(scope=scope).get("host", "")):
            await refuse(_STRANGE, scope, receive, send)
            return
        await self._app(scope, receive, send)


def _bearer(authorization: str) -> str:
    """The key in the header, as its owner wrote it: what came were bytes, of UTF-8 where they are not plain."""
    kind, _, given = authorization.partition(" ")
    return given.strip().encode("latin-1").decode("utf-8", "surrogateescape") if kind.lower() == "bearer" else ""


def _own_name(host: str) -> bool:
    """Whether a request was sent to this machine by its own name or by a number.

    A web page can have its own name lead to 127.0.0.1 and then talk to what listens there, as its own origin: the
    browser sends that name.
    """
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return name == "" or name == "localhost" or name.endswith(".localhost")
    return True


_STRANGE = ApiError(
    403, "without keys only requests to localhost or to a number are answered: set a key", code="unknown_host"
)


def _unknown(given: str) -> ApiError:
    what = "this key is not known here" if given else "give a key, as `Authorization: Bearer …`"
    return ApiError(401, what, code="invalid_api_key", headers={"www-authenticate": "Bearer"})

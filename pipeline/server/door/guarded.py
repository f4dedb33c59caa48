"""Who may come in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.server.door.answer import refuse
from pipeline.server.door.keys import Key, known
from pipeline.server.faults import ApiError

_OPEN = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})


class Guarded:
    """Lets those in who have a key. Where no keys are set everybody may come in: then only this machine is listened to.

    Figures and rule names are not for everybody either, so `/metrics` wants a key as well.
    """

    def __init__(self, app: ASGIApp, keys: Sequence[Key]) -> None:
        self._app = app
        self._keys = tuple(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._keys:
            kind, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
            key = known(given.strip(), self._keys) if kind.lower() == "bearer" and given.strip() else None
            if key is None and scope["path"] not in _OPEN:
                await refuse(_unknown(given), scope, receive, send)
                return
            if key is not None:
                scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)


def _unknown(given: str) -> ApiError:
    what = "this key is not known here" if given else "give a key, as `Authorization: Bearer …`"
    return ApiError(401, what, code="invalid_api_key", headers={"www-authenticate": "Bearer"})

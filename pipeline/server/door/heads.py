"""HEAD, which load balancers and monitors ask with: the head of what GET would be answered with."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Heads:
    """Asks what is behind it as GET does. It is the server's to send no body, as with Starlette's own routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}  # another one: the server's own tells it that no body is sent
        try:
            await self._app(asked, receive, send)
        finally:
            scope["route"] = asked.get("route")  # for the layers around, which count by it

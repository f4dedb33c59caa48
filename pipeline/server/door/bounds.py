"""A bound on a request's body, in bytes and in seconds."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.server.door.answer import refuse
from pipeline.server.faults import ApiError


class Bounds:
    """Reads the body before anything else does, so that what is behind it never waits for a slow client."""

    def __init__(self, app: ASGIApp, *, most: int, seconds: float) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except ApiError as fault:
            await refuse(fault, scope, receive, send)
            return
        if body is None:
            return  # the client has left in the middle of it
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def received() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, received, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            raise self._too_large()
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._most:
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            what = f"the body did not come within {self._seconds:g} seconds"
            raise ApiError(408, what, code="request_timeout", headers={"connection": "close"}) from None

    def _too_large(self) -> ApiError:
        what = f"the body is larger than {self._most} bytes"
        return ApiError(413, what, code="request_too_large", headers={"connection": "close"})

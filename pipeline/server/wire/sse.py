"""Server-sent events: a stream that notices when its client leaves, and gives up on one that does not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.loop import Outcome
from pipeline.server.asking import ClientGone, failure, outcome_of, unless_gone
from pipeline.server.faults import ApiError
from pipeline.server.service import Service, record_of
from pipeline.server.telling.record import Record
from pipeline.server.work import Ended, Event, Failed, Following, Part

KEEP_ALIVE = b": held until it is judged\n\n"
DONE = b"data: [DONE]\n\n"


def data(value: Mapping[str, Any], *, event: str = "") -> bytes:
    """One event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode(
        "utf-8", "backslashreplace"
    )


class EventStream(Response):
    """Sends what a generator gives, and closes the generator whatever happens: that is where work is stopped."""

    media_type = "text/event-stream"

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes, None], *, patience: float, headers: Mapping[str, str]
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no", **headers})
        del self.headers["content-length"]
        self._first = first
        self._rest = rest
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # Starlette's
        try:
            with suppress(ClientGone, TimeoutError):  # one that does not read is as good as gone
                await unless_gone(receive, self._pour(send))
        finally:
            await self._rest.aclose()

    async def _pour(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._send(send, self._first)
        async for chunk in self._rest:
            await self._send(send, chunk)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, chunk: bytes) -> None:
        async with asyncio.timeout(self._patience):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


class Shape(Protocol):
    """How a route writes answers as they grow."""

    def part(self, part: Part, /) -> Iterator[bytes]: ...

    def end(self, ended: Ended, outcome: Outcome, /) -> Iterator[bytes]: ...

    def fault(self, fault: ApiError, /) -> bytes:
        """The last event, once there was another."""

    def last(self) -> Iterator[bytes]:
        """What follows when all answers have ended."""


async def event_stream(
    service: Service, request: Request, following: Following, shape: Shape, *, headers: Mapping[str, str]
) -> Response:
    """The response, once there is something to send: until then a fault still has a status of its own."""
    record = record_of(request)
    record.stream = True
    events = _poured(service, record, following, shape)
    try:
        first = await unless_gone(request.receive, anext(events))
    except BaseException:
        following.cancel()  # closing a generator that never began would not
        await events.aclose()
        raise
    return EventStream(first, events, patience=service.options.body_seconds, headers=headers)


async def _poured(service: Service, record: Record, following: Following, shape: Shape) -> AsyncGenerator[bytes, None]:
    """What goes over the wire. Raises `ApiError` as long as nothing has; later a fault is an event, and the last."""
    begun, left = False, len(following)
    try:
        while left:
            event = await following.next(service.options.keep_alive)
            left -= isinstance(event, Ended)
            for said in _said(service, record, event, shape):
                begun = True
                yield said
        for said in shape.last():
            yield said
    except ApiError as fault:
        if not begun:
            raise
        yield shape.fault(fault)
    finally:
        following.cancel()


def _said(service: Service, record: Record, event: Event | None, shape: Shape) -> Iterator[bytes]:
    match event:
        case None:
            yield KEEP_ALIVE
        case Failed():
            raise failure(service, record, event)
        case Part():
            yield from shape.part(event)
        case Ended():
            yield from shape.end(event, outcome_of(event))

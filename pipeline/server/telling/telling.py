"""Everybody who is told of requests, in one hand; and the outermost layer of the server, which tells them."""

from __future__ import annotations

import time
from contextlib import suppress

from opentelemetry import trace
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.server import faults
from pipeline.server.door.answer import response
from pipeline.server.telling import log
from pipeline.server.telling.metrics import Metrics
from pipeline.server.telling.record import Record
from pipeline.server.telling.spans import Spans
from pipeline.server.work import Ended

CLIENT_LEFT = 499
"""The status on record of a request whose client left before there was one."""


class Telling:
    def __init__(self, metrics: Metrics, spans: Spans, *, log_content: bool = False) -> None:
        self.metrics = metrics
        self.spans = spans
        self._log_content = log_content

    def ended(self, record: Record, event: Ended) -> None:
        """An answer is there, or what came of one that nobody waits for any more."""
        self.metrics.answer(event.outcome, event.first)
        if record.over:
            log.write_late(record, event.outcome, content=self._log_content)
            return
        record.outcomes.append(event.outcome)
        if record.first is None:
            record.first = event.first

    def bug(self, record: Record, error: Exception) -> None:
        """Something was raised in a request that is nobody's known fault."""
        log.write_bug(record, error, content=self._log_content)

    def request(self, record: Record, path: str) -> None:
        """A request has ended. `path` is its route's, so that there are only so many."""
        seconds = time.monotonic() - record.began
        self.metrics.request(record, path, seconds)
        log.write(record, seconds, content=self._log_content)
        record.over = True


class Told:
    """The layer around the app."""

    def __init__(self, app: ASGIApp, telling: Telling) -> None:
        self._app = app
        self._telling = telling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = Record(scope["method"], scope["path"])
        scope.setdefault("state", {})["record"] = record
        span = self._telling.spans.request(f"{record.method} {record.path}", Headers(scope=scope))
        record.trace = trace.set_span_in_context(span)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", record.id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as exc:  # noqa: BLE001  # let through, whoever runs the app would log its words
            self._telling.bug(record, exc)
            if not record.status:  # answered here, so that it has its number, and counts as what it is
                await response(faults.bug())(scope, receive, sent)
        finally:
            record.status = record.status or CLIENT_LEFT
            key = scope["state"].get("key")
            record.key = key.name if key else ""
            path = _route(scope)
            self._telling.request(record, path)
            self._telling.spans.end_request(span, record.status, {"http.route": path, "superego.model": record.model})


def _route(scope: Scope) -> str:
    path = ""
    with suppress(AttributeError):
        path = scope["route"].path if "route" in scope else ""
    return path or "other"

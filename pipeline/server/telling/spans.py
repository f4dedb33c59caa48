"""Spans of requests for OpenTelemetry, by its interface alone: without its SDK in the process they cost nothing and go
nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from pipeline.server.telling.answer_spans import AnswerSpans


class Spans:
    """The spans of requests."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("superego")

    def request(self, name: str, headers: Mapping[str, str]) -> Span:
        parent = propagate.extract(headers)
        return self._tracer.start_span(name, context=parent, kind=SpanKind.SERVER)

    def end_request(self, span: Span, status: int, attributes: Mapping[str, str | int]) -> None:
        span.set_attribute("http.response.status_code", status)
        span.set_attributes(attributes)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def answer(self, context: Context | None) -> AnswerSpans:
        return AnswerSpans(self._tracer, context)

"""Spans for OpenTelemetry, by its interface alone: without its SDK in the process they cost nothing and go nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from critics import Judgement
from pipeline.outcome import Attempt


class Spans:
    """A span a request; under it one an attempt, under that one a rule, and under that one a critic that judged it.

    Those of an attempt are made when it has ended, for the time that all of it took. No text goes into a span.
    """

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

    def observer(self, context: Context | None) -> Callable[[Attempt], None]:
        def observe(attempt: Attempt) -> None:
            ends = time.time_ns()
            begins = ends - int(attempt.seconds * 1e9)
            span = self._tracer.start_span("superego.attempt", context=context, start_time=begins)
            if span.is_recording():
                _describe(span, attempt)
                inner = trace.set_span_in_context(span, context)
                for judgement in attempt.verdict.judgements:
                    self._rule(judgement, inner, begins, ends)
            span.end(ends)

        return observe

    def _rule(self, judgement: Judgement, context: Context, begins: int, ends: int) -> None:
        span = self._tracer.start_span("superego.rule", context=context, start_time=begins)
        span.set_attributes({"superego.rule": judgement.rule.id, "superego.outcome": judgement.outcome})
        if judgement.probability is not None:
            span.set_attribute("superego.probability", judgement.probability)
        inner = trace.set_span_in_context(span, context)
        for finding in judgement.findings:
            critic = self._tracer.start_span("superego.critic", context=inner, start_time=begins)
            critic.set_attributes(
                {"superego.critic": finding.critic, "superego.prompt_tokens": finding.usage.prompt_tokens}
            )
            if finding.probability is not None:
                critic.set_attribute("superego.probability", finding.probability)
            critic.end(ends)
        span.end(ends)


def _describe(span: Span, attempt: Attempt) -> None:
    span.set_attributes(
        {
            "superego.number": attempt.number,
            "superego.verdict": attempt.verdict.outcome,
            "superego.seed": attempt.seed,
            "superego.prompt_tokens": attempt.usage.prompt_tokens,
            "superego.completion_tokens": attempt.usage.completion_tokens,
        }
    )
    if attempt.verdict.score is not None:
        span.set_attribute("superego.score", attempt.verdict.score)

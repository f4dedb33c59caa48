"""The spans of one answer.

A request holds its attempts and the critics on what was asked; an attempt its drafts and the critics on those; a critic
the rules that it judged in that call. Each begins and ends as what it tells of does, but for rules, which have no time
of their own. No text goes into a span. A pipeline's own parts are wrapped for it: the loop knows nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from critics import Critic, Exchange, Finding, Follow, Panel, Rule, Usage, following
from pipeline.drafting import DraftRequest, Generator, Pieces
from pipeline.loop import Attempt
from pipeline.pipeline import Pipeline


class AnswerSpans:
    """Its work goes on in one thread, but a critic may be left behind in another."""

    def __init__(self, tracer: Tracer, context: Context | None) -> None:
        self._tracer = tracer
        self._request = context
        self._attempt: Span | None = None

    def around(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with its generator and its critics watched, where anybody wants to know."""
        if not trace.get_current_span(self._request).is_recording() or pipeline.generator is None:
            return pipeline
        return replace(pipeline, generator=_Drafting(self, pipeline.generator), critic=self._watched(pipeline.critic))

    def observe(self, attempt: Attempt) -> None:
        """An attempt has its verdict."""
        if self._attempt is not None:
            _describe(self._attempt, attempt)
        self.close()

    def close(self) -> None:
        """End what is open: an attempt that came to nothing."""
        if self._attempt is not None:
            self._attempt.end()
            self._attempt = None

    def drafted(self, generator: Generator, request: DraftRequest) -> Pieces:
        """What the generator gives, in a span, and in one of the attempt that begins with it."""
        if self._attempt is None:
            self._attempt = self._tracer.start_span("superego.attempt", context=self._request)
        usage = Usage()
        with self._span("superego.draft") as span, closing(generator(request)) as pieces:
            span.set_attribute("superego.seed", request.seed)
            try:
                for piece in pieces:
                    usage += piece.usage
                    yield piece
            finally:
                span.set_attributes(_tokens(usage))

    def judged(self, name: str, critic: Critic, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        """What a critic says, in a span."""
        with self._span("superego.critic") as span:
            span.set_attribute("superego.critic", name)
            findings = critic(exchange, rules)
            span.set_attributes(_tokens(sum((finding.usage for finding in findings), Usage())))
            for finding in findings:
                self._rule(finding, {rule.id: rule for rule in rules}, span)
        return findings

    def _watched(self, critic: Critic) -> Critic:
        if isinstance(critic, Panel):
            return critic.wrapped(lambda name, one: _Judging(self, name, one))
        return _Judging(self, type(critic).__name__, critic)

    @contextmanager
    def _span(self, name: str) -> Iterator[Span]:
        attempt = self._attempt
        context = self._request if attempt is None else trace.set_span_in_context(attempt, self._request)
        span = self._tracer.start_span(name, context=context)
        try:
            yield span
        except Exception as exc:
            span.set_status(Status(StatusCode.ERROR, type(exc).__name__))
            raise
        finally:
            span.end()

    def _rule(self, finding: Finding, rules: Mapping[str, Rule], critic: Span) -> None:
        span = self._tracer.start_span("superego.rule", context=trace.set_span_in_context(critic, self._request))
        span.set_attribute("superego.rule", finding.rule)
        if finding.rule in rules:
            span.set_attribute("superego.outcome", finding.outcome(rules[finding.rule].threshold))
        if finding.probability is not None:
            span.set_attribute("superego.probability", finding.probability)
        span.end()


class _Drafting:
    """A generator that is watched."""

    def __init__(self, spans: AnswerSpans, generator: Generator) -> None:
        self._spans = spans
        self._generator = generator
        self.name = generator.name
        self.can_continue = generator.can_continue

    def __call__(self, request: DraftRequest) -> Pieces:
        return self._spans.drafted(self._generator, request)


class _Judging:
    """A critic that is watched."""

    def __init__(self, spans: AnswerSpans, name: str, critic: Critic) -> None:
        self._spans = spans
        self._name = name
        self._critic = critic

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        return self._spans.judged(self._name, self._critic, exchange, rules)

    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> AbstractContextManager[Follow | None]:
        return following(self._critic, exchange, rules)


def _describe(span: Span, attempt: Attempt) -> None:
    span.set_attributes(
        {
            "superego.number": attempt.number,
            "superego.verdict": attempt.verdict.outcome,
            "superego.broken": [judgement.rule.id for judgement in attempt.verdict.of("broken")],
            "superego.undecided": [judgement.rule.id for judgement in attempt.verdict.of("undecided")],
            "superego.seed": attempt.seed,
            **_tokens(attempt.usage),
        }
    )
    if attempt.verdict.score is not None:
        span.set_attribute("superego.score", attempt.verdict.score)


def _tokens(usage: Usage) -> dict[str, int]:
    return {"superego.prompt_tokens": usage.prompt_tokens, "superego.completion_tokens": usage.completion_tokens}

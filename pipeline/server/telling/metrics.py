"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from critics import Usage, Verdict
from pipeline.outcome import Outcome
from pipeline.server.telling.record import Record
from pipeline.server.work import Work

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """In a registry of its own, so that two servers in one process do not count together."""

    def __init__(self, work: Work) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "superego_requests", "Requests answered.", ["path", "status"], registry=registry
        )  # the library appends _total
        self._outcomes = Counter(
            "superego_outcomes", "Answers by what became of them.", ["manifesto", "status", "stop_reason"],
            registry=registry,
        )  # fmt: skip
        self._attempts = Histogram(
            "superego_attempts", "Drafts that an answer took.", ["manifesto"], buckets=(0, 1, 2, 3, 4, 5, 8, 13),
            registry=registry,
        )  # fmt: skip
        self._breaches = Counter(
            "superego_breaches", "Broken rules, over all drafts and inputs.", ["manifesto", "rule"], registry=registry
        )
        self._undecided = Counter(
            "superego_undecided", "Rules that no critic could judge.", ["manifesto", "rule"], registry=registry
        )
        self._tokens = Counter(
            "superego_tokens", "Tokens read and written, by role.", ["role", "kind"], registry=registry
        )
        self._seconds = Histogram(
            "superego_request_seconds", "Seconds of a request.", ["path"], buckets=_SECONDS, registry=registry
        )
        self._first = Histogram(
            "superego_first_released_seconds", "Seconds to the first part of an answer that was released.",
            ["manifesto"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        waiting = Gauge("superego_queue_depth", "Answers that wait for their turn.", registry=registry)
        waiting.set_function(lambda: work.waiting)
        running = Gauge("superego_running", "Answers under way.", registry=registry)
        running.set_function(lambda: work.running)

    def request(self, record: Record, path: str, seconds: float) -> None:
        self._requests.labels(path, str(record.status)).inc()
        self._seconds.labels(path).observe(seconds)

    def answer(self, outcome: Outcome, first: float | None) -> None:
        manifesto = outcome.manifesto.name
        self._outcomes.labels(manifesto, outcome.status, outcome.stop_reason).inc()
        self._attempts.labels(manifesto).observe(len(outcome.attempts))
        if first is not None:
            self._first.labels(manifesto).observe(first)
        verdicts = [attempt.verdict for attempt in outcome.attempts]
        self.verdicts(manifesto, [*verdicts, *([outcome.input_verdict] if outcome.input_verdict else [])])
        self.tokens("generator", outcome.cost.generator)
        self.tokens("critic", outcome.cost.critic)

    def verdicts(self, manifesto: str, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            for judgement in verdict.of("broken"):
                self._breaches.labels(manifesto, judgement.rule.id).inc()
            for judgement in verdict.of("undecided"):
                self._undecided.labels(manifesto, judgement.rule.id).inc()

    def tokens(self, role: str, usage: Usage) -> None:
        self._tokens.labels(role, "prompt").inc(usage.prompt_tokens)
        self._tokens.labels(role, "completion").inc(usage.completion_tokens)

    def page(self) -> bytes:
        return generate_latest(self._registry)

"""The figures of the server, for Prometheus and for OpenTelemetry."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.metrics import Meter, get_meter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from critics import Usage, Verdict, left_behind
from pipeline.loop import Outcome
from pipeline.server.telling.instruments import Instruments
from pipeline.server.telling.record import Record
from pipeline.server.work import Work

CONTENT_TYPE = CONTENT_TYPE_LATEST

_DRAFTS = (0, 1, 2, 3, 4, 5, 8, 13)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Prometheus's are in a registry of their own, so that two servers in one process do not count together."""

    def __init__(self, work: Work, meter: Meter | None = None) -> None:
        self._registry = CollectorRegistry()
        make = Instruments(self._registry, meter or get_meter("superego"))
        self._requests = make.counted("requests", "Requests answered.", ["path", "status"])
        self._outcomes = make.counted(
            "outcomes", "Answers by what became of them.", ["manifesto", "status", "stop_reason"]
        )  # fmt: skip
        self._attempts = make.spread("attempts", "Drafts that an answer took.", ["manifesto"], _DRAFTS)
        self._breaches = make.counted("breaches", "Broken rules, over all drafts and inputs.", ["manifesto", "rule"])
        self._undecided = make.counted("undecided", "Rules that no critic could judge.", ["manifesto", "rule"])
        self._tokens = make.counted("tokens", "Tokens read and written, by role.", ["role", "kind"])
        self._seconds = make.spread("request_seconds", "Seconds of a request.", ["path"], _SECONDS, unit="s")
        self._first = make.spread(
            "first_released_seconds", "Seconds to the first part of an answer that was released.", ["manifesto"],
            _SECONDS, unit="s",
        )  # fmt: skip
        make.level("queue_depth", "Answers that wait for their turn.", lambda: work.waiting)
        make.level("left_behind", "Drafts and critics at work for nobody, which never answered.", left_behind)
        make.level("running", "Answers under way.", lambda: work.running)

    def request(self, record: Record, path: str, seconds: float) -> None:
        self._requests.add(path, str(record.status))
        self._seconds.measured(seconds, path)

    def answer(self, outcome: Outcome, first: float | None) -> None:
        manifesto = outcome.manifesto.name
        self._outcomes.add(manifesto, outcome.status, outcome.stop_reason)
        self._attempts.measured(len(outcome.attempts), manifesto)
        if first is not None:
            self._first.measured(first, manifesto)
        verdicts = [*outcome.inputs, *(attempt.verdict for attempt in outcome.attempts)]
        self.verdicts(manifesto, verdicts, cancelled=outcome.stop_reason == "cancelled")
        self.tokens("generator", outcome.cost.generator)
        self.tokens("critic", outcome.cost.critic)

    def verdicts(self, manifesto: str, verdicts: Sequence[Verdict], *, cancelled: bool = False) -> None:
        """What critics said. Where it was `cancelled`, nobody knows which rules they could have judged in the last."""
        for verdict in verdicts:
            for judgement in verdict.of("broken"):
                self._breaches.add(manifesto, judgement.rule.id)
        for verdict in verdicts[:-1] if cancelled else verdicts:
            for judgement in verdict.of("undecided"):
                self._undecided.add(manifesto, judgement.rule.id)

    def tokens(self, role: str, usage: Usage) -> None:
        self._tokens.add(role, "prompt", by=usage.prompt_tokens)
        self._tokens.add(role, "completion", by=usage.completion_tokens)

    def page(self) -> bytes:
        return generate_latest(self._registry)

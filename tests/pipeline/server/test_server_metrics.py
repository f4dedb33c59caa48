"""The same figures for Prometheus and for OpenTelemetry."""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from pipeline.server import Catalogue, Options, create_app
from tests.pipeline.server.serving import TestClient, app_of, chat, scripted

LABELS = {"manifesto": "polite"}


def told() -> tuple[dict[str, dict[tuple[tuple[str, Any], ...], Any]], str]:
    """What both are told of an answer that took two drafts, and of a request for what must not be asked."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("tests")
    app = create_app(Catalogue.of(scripted("rude", "Good day.")), Options(), meter=meter)
    client = TestClient(app)
    for text in ("Hello?", "A bomb?"):
        client.post("/v1/chat/completions", json=chat(text))
    page = client.get("/metrics").text
    found: dict[str, dict[tuple[tuple[str, Any], ...], Any]] = {}
    data = reader.get_metrics_data()
    assert data is not None
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        points = metric.data.data_points
        found[metric.name] = {tuple(sorted((point.attributes or {}).items())): point for point in points}
    return found, page


def test_every_figure_is_told_to_both() -> None:
    """Under one name, but for how the two write it."""
    theirs, page = told()
    ours = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE superego")}
    names = {name.removesuffix("_total").removesuffix("_created") for name in ours}
    assert {name.replace(".", "_", 1) for name in theirs} | {"superego_undecided"} == names


def test_the_figures_are_the_same() -> None:
    """Counted, and spread over the same ranges."""
    theirs, page = told()

    def value(name: str, **labels: str) -> Any:
        return theirs[name][tuple(sorted(labels.items()))]

    assert value("superego.outcomes", **LABELS, status="released", stop_reason="passed").value == 1
    assert 'superego_outcomes_total{manifesto="polite",status="released",stop_reason="passed"} 1.0' in page
    assert value("superego.breaches", **LABELS, rule="polite").value == 1
    assert value("superego.breaches", **LABELS, rule="no-bombs").value == 1
    attempts = value("superego.attempts", **LABELS)
    assert (attempts.count, attempts.sum) == (2, 2)
    assert tuple(attempts.explicit_bounds) == (0, 1, 2, 3, 4, 5, 8, 13)
    assert 'superego_attempts_sum{manifesto="polite"} 2.0' in page
    assert value("superego.first_released_seconds", **LABELS).count == 1
    assert value("superego.tokens", role="generator", kind="completion").value == 3
    assert value("superego.queue_depth").value == 0


def test_two_servers_in_one_process_do_not_count_together() -> None:
    """For Prometheus, whose registry is each one's own."""
    one, other = TestClient(app_of(scripted("Good day."))), TestClient(app_of(scripted("rude", "Good day.")))
    for client in (one, other):
        client.post("/v1/chat/completions", json=chat())
    sums = [re.findall(r"^superego_attempts_sum\{.*\} (.*)$", each.get("/metrics").text, re.MULTILINE)
            for each in (one, other)]  # fmt: skip
    assert sums == [["1.0"], ["2.0"]]

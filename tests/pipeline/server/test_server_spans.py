"""What a tracer is told."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pipeline.server import Catalogue, Options, create_app
from tests.pipeline.server.serving import TestClient, chat, scripted

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans() -> list[ReadableSpan]:
    """Of one request whose first draft fails."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    pipeline = scripted("rude word", "Good day.")
    app = create_app(Catalogue.of(pipeline), Options(), tracer=provider.get_tracer("tests"))
    TestClient(app).post("/v1/chat/completions", json=chat("My secret"), headers={"traceparent": PARENT})
    return list(exporter.get_finished_spans())


def test_a_request_holds_its_attempts_and_they_their_rules_and_critics() -> None:
    """In the trace that the client began."""
    given = spans()
    by_id = {span.context.span_id: span for span in given if span.context}
    (request,) = [span for span in given if span.name.startswith("POST")]
    attempts = [span for span in given if span.name == "superego.attempt"]
    rules = [span for span in given if span.name == "superego.rule"]
    assert request.parent is not None
    assert request.parent.span_id == 0xB7AD6B7169203331
    assert {by_id[span.parent.span_id].name for span in attempts if span.parent} == {request.name}
    assert [(span.attributes or {})["superego.verdict"] for span in attempts] == ["revise", "pass"]
    assert [by_id[span.parent.span_id] for span in rules if span.parent] == attempts
    assert [(span.attributes or {})["superego.outcome"] for span in rules] == ["broken", "pass"]
    critics = [span for span in given if span.name == "superego.critic"]
    assert [by_id[span.parent.span_id] for span in critics if span.parent] == rules
    assert [(span.attributes or {})["superego.critic"] for span in critics] == ["scripted"] * 2


def test_an_attempts_span_lasts_as_long_as_it_did() -> None:
    """Within the request's."""
    given = spans()
    (request,) = [span for span in given if span.name.startswith("POST")]
    for span in given:
        assert (request.start_time or 0) <= (span.start_time or 0) + 1_000_000
        assert (span.start_time or 0) <= (span.end_time or 0) <= (request.end_time or 0)


def test_no_text_goes_into_a_span() -> None:
    """Neither prompt nor draft."""
    told = " ".join(span.to_json() for span in spans())
    assert "secret" not in told
    assert "rude word" not in told

"""What a tracer is told."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from critics import Panel, ScriptedCritic, Usage
from pipeline import DraftRequest, ModelFault, Piece, Pieces, Pipeline
from pipeline.server import Catalogue, Options, create_app
from tests.pipeline.server.serving import TestClient, chat, manifesto, opinion, scripted

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Seen(SpanProcessor):
    """Spans as they begin and end."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.open.append(span.name)

    def on_end(self, span: ReadableSpan) -> None:
        self.open.remove(span.name)
        self.ended.append(span)


def ask(pipeline: Pipeline | None = None, seen: Seen | None = None, **fields: object) -> list[ReadableSpan]:
    """The spans of one request whose first draft fails, or of one to a pipeline of one's own."""
    seen, provider = seen or Seen(), TracerProvider()
    provider.add_span_processor(seen)
    app = create_app(
        Catalogue.of(pipeline or scripted("rude word", "Good day.")), Options(), tracer=provider.get_tracer("tests")
    )
    TestClient(app).post("/v1/chat/completions", json=chat("My secret", **fields), headers={"traceparent": PARENT})
    assert seen.open == []
    return seen.ended


def named(spans: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return sorted((span for span in spans if span.name == name), key=lambda span: span.start_time or 0)


def parents(spans: list[ReadableSpan], name: str) -> list[str]:
    by_id = {span.context.span_id: span.name for span in spans if span.context}
    return [by_id[span.parent.span_id] for span in named(spans, name) if span.parent]


REQUEST, ATTEMPT, DRAFT, CRITIC, RULE = (
    "POST /v1/chat/completions", "superego.attempt", "superego.draft", "superego.critic", "superego.rule",
)  # fmt: skip


def test_a_request_holds_attempts_and_they_drafts_and_critics_and_they_rules() -> None:
    """In the trace that the client began; the critic on what was asked is the request's own."""
    spans = ask()
    (request,) = named(spans, REQUEST)
    assert request.parent is not None
    assert request.parent.span_id == 0xB7AD6B7169203331
    assert parents(spans, ATTEMPT) == [REQUEST] * 2
    assert parents(spans, DRAFT) == [ATTEMPT] * 2
    assert parents(spans, CRITIC) == [REQUEST, ATTEMPT, ATTEMPT]
    assert parents(spans, RULE) == [CRITIC] * 3
    told = [span.attributes or {} for span in named(spans, ATTEMPT)]
    assert [(a["superego.verdict"], a["superego.broken"]) for a in told] == [("revise", ("polite",)), ("pass", ())]
    rules = [span.attributes or {} for span in named(spans, RULE)]
    assert [(a["superego.rule"], a["superego.outcome"]) for a in rules] == [
        ("no-bombs", "pass"),
        ("polite", "broken"),
        ("polite", "pass"),
    ]


def test_each_critic_of_a_panel_has_a_span() -> None:
    """By its name in the manifesto."""
    rules = [
        {"id": "polite", "statement": "It is polite.", "critics": ["one"]},
        {"id": "kind", "statement": "It is kind.", "critics": ["two", "one"]},
    ]
    panel = Panel({"one": ScriptedCritic(opinion), "two": ScriptedCritic(opinion)})
    pipeline = scripted("Good day.")
    spans = ask(Pipeline(manifesto(rules=rules), panel, pipeline.generator))
    assert {(span.attributes or {})["superego.critic"] for span in named(spans, CRITIC)} == {"one", "two"}


class Slow:
    """Looks at what is open while it drafts."""

    name = "slow"
    can_continue = False

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def __call__(self, request: DraftRequest) -> Pieces:
        yield Piece("Good ", Usage(3, 1))
        self._look()
        time.sleep(0.05)
        yield Piece("day.", Usage(0, 1), "stop")


@pytest.mark.parametrize("stream", [False, True])
def test_a_drafts_span_is_open_while_it_is_written(stream: bool) -> None:
    """And no longer: the critic's begins when it has ended."""
    seen, open_then = Seen(), list[list[str]]()
    slow = Slow(lambda: open_then.append(list(seen.open)))
    spans = ask(Pipeline(manifesto(), ScriptedCritic(opinion), slow), seen, stream=stream)
    assert open_then == [[REQUEST, ATTEMPT, DRAFT]]
    (draft,) = named(spans, DRAFT)
    critic = named(spans, CRITIC)[-1]
    assert (draft.end_time or 0) - (draft.start_time or 0) >= 50_000_000
    assert (draft.end_time or 0) <= (critic.start_time or 0)
    assert (draft.attributes or {})["superego.completion_tokens"] == 2


def test_a_draft_that_fails_says_so() -> None:
    """And the attempt that came to nothing is ended all the same."""
    spans = ask(scripted(ModelFault("secret")))
    (draft,) = named(spans, DRAFT)
    assert (draft.status.status_code.name, draft.status.description) == ("ERROR", "ModelFault")
    assert len(named(spans, ATTEMPT)) == 1


def test_no_text_goes_into_a_span() -> None:
    """Neither prompt nor draft."""
    told = " ".join(span.to_json() for span in ask())
    assert "secret" not in told
    assert "rude word" not in told


def test_where_nobody_traces_nothing_is_wrapped() -> None:
    """The pipeline is the very same."""
    pipeline = scripted("Good day.")
    app = create_app(Catalogue.of(pipeline), Options())
    spans = app.state.service.telling.spans.answer(None)
    assert spans.around(pipeline) is pipeline

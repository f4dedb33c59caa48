"""`POST /v1/responses`."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pipeline import DraftOptions, ScriptedGenerator
from tests.pipeline.server.serving import REFUSAL, Gated, TestClient, app_of, gated, running, scripted

URL = "/v1/responses"


def ask(input: Any = "Hello?", **fields: Any) -> dict[str, Any]:
    return {"model": "superego/polite", "input": input, **fields}


def test_text_in_text_out() -> None:
    """In OpenAI's shape, with its usage."""
    answer = TestClient(app_of(scripted("rude", "Good day."))).post(URL, json=ask()).json()
    assert (answer["object"], answer["status"], answer["incomplete_details"]) == ("response", "completed", None)
    assert answer["output"][0]["content"][0]["text"] == "Good day."
    assert answer["usage"]["output_tokens"] == 3
    assert answer["superego"]["attempts"] == 2


def test_a_withheld_answer_is_incomplete() -> None:
    """By a content filter, with the manifesto's refusal for a text."""
    answer = TestClient(app_of(scripted("rude", "rude one", "rude two"))).post(URL, json=ask()).json()
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert answer["output"][0]["content"][0]["text"] == REFUSAL


def test_instructions_and_turns_are_the_conversation() -> None:
    """The instructions first."""
    pipeline = scripted("Good day.")
    turns = [
        {"role": "user", "content": "One."},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Three."}]},
    ]
    body = ask(turns, instructions="Be short.", max_output_tokens=9, temperature=0.1, top_p=0.5)
    assert TestClient(app_of(pipeline)).post(URL, json=body).status_code == 200
    assert isinstance(pipeline.generator, ScriptedGenerator)
    (request,) = pipeline.generator.requests
    said = [("system", "Be short."), ("user", "One."), ("assistant", "Two."), ("user", "Three.")]
    assert [(message.role, message.content) for message in request.messages] == said
    assert request.options == DraftOptions(max_tokens=9, temperature=0.1, top_p=0.5)


def test_drafts_are_drawn_from_something() -> None:
    """A `top_p` of 0 is the least that there is."""
    pipeline = scripted("Good day.")
    assert TestClient(app_of(pipeline)).post(URL, json=ask(top_p=0)).status_code == 200
    assert isinstance(pipeline.generator, ScriptedGenerator)
    assert [request.options for request in pipeline.generator.requests] == [DraftOptions(top_p=1e-4)]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"background": True}, "background"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"text": {"format": {"type": "json_schema", "name": "my cat", "schema": {}}}}, "text.format.name"),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": "4"}]}, "input.0"),
        ({"input": []}, "input"),
    ],
)
def test_what_is_not_supported_is_refused(fields: dict[str, Any], param: str) -> None:
    """Nothing is kept between requests, and there are no tools."""
    answer = TestClient(app_of(scripted("Good day."))).post(URL, json=ask() | fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_events_come_in_openais_order() -> None:
    """Numbered without a gap."""
    answer = TestClient(app_of(scripted("Good day."))).post(URL, json=ask(stream=True))
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data:")]
    assert [event["type"] for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(9))
    named = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event:")]
    assert named == [event["type"] for event in events]


def test_a_deadline_in_the_middle_is_an_event() -> None:
    """With OpenAI's words for it."""
    with running(app_of(gated(Gated()), deadline=0.2, keep_alive=0.05)) as base:
        answer = httpx.post(base + URL, json=ask(stream=True), timeout=30)
    last = json.loads(answer.text.splitlines()[-2].removeprefix("data: "))
    assert (last["type"], last["code"]) == ("error", "timeout")

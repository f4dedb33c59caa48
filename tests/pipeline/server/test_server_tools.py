"""Tools and forms: passed on, judged like text, and given to the client as what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from critics import Message, ToolCall
from pipeline import Form, ModelFault, ModelUnable, ScriptedGenerator, Tool, Tools
from tests.pipeline.server.serving import REFUSAL, TestClient, app_of, chat, scripted

URL = "/v1/chat/completions"
PARAMETERS = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
MAIL = {"type": "function", "function": {"name": "mail", "description": "Sends it.", "parameters": PARAMETERS}}
CALLED = [
    {"role": "user", "content": "Write to Ana."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "one", "type": "function", "function": {"name": "mail", "arguments": '{"to": "Ana"}'}}],
    },
    {"role": "tool", "tool_call_id": "one", "content": "Sent."},
]


def mail(*to: str, text: str = "") -> Message:
    return Message("assistant", text, tuple(ToolCall("mail", json.dumps({"to": each}), "theirs") for each in to))


def post(*drafts: str | Message | ModelFault, **fields: Any) -> tuple[Any, ScriptedGenerator]:
    pipeline = scripted(*drafts)
    assert isinstance(pipeline.generator, ScriptedGenerator)
    return TestClient(app_of(pipeline)).post(URL, json=chat(**fields)), pipeline.generator


def events(response: Any) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_what_is_offered_is_passed_on() -> None:
    """Tools, choice and conversation, as they came."""
    choice = {"type": "function", "function": {"name": "mail"}}
    response, generator = post(
        mail("Ana"), messages=CALLED, tools=[MAIL], tool_choice=choice, parallel_tool_calls=False
    )  # fmt: skip
    assert response.status_code == 200
    (request,) = generator.requests
    tool = Tool("mail", "Sends it.", json.dumps(PARAMETERS))
    assert request.options.tools == Tools((tool,), named="mail", parallel=False)
    assert request.messages == (
        Message("user", "Write to Ana."),
        Message("assistant", "", (ToolCall("mail", '{"to": "Ana"}', "one"),)),
        Message("tool", "Sent.", answers="one"),
    )


def test_a_call_that_passed_is_one_for_the_client() -> None:
    """The broken one before it is nowhere in the answer."""
    response, _ = post(mail("rude Ana"), mail("Ana", "Ben"), tools=[MAIL])
    (choice,) = response.json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    called = [call["function"] for call in choice["message"]["tool_calls"]]
    assert [json.loads(call["arguments"])["to"] for call in called] == ["Ana", "Ben"]
    assert len({call["id"] for call in choice["message"]["tool_calls"]}) == 2
    assert response.json()["superego"]["attempts"] == 2
    assert "rude" not in response.text


def test_a_streamed_call_comes_whole_and_judged() -> None:
    """Behind the text beside it, and nothing of what failed before it."""
    response, _ = post(mail("rude Ana"), mail("Ana", text="I write."), tools=[MAIL], stream=True)
    deltas = [event["choices"][0]["delta"] for event in events(response)]
    assert "".join(delta.get("content") or "" for delta in deltas) == "I write."
    (call,) = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "mail")
    assert json.loads(call["function"]["arguments"]) == {"to": "Ana"}
    assert events(response)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert "rude" not in response.text


@pytest.mark.parametrize("stream", [False, True])
def test_where_no_call_passes_none_is_made(stream: bool) -> None:
    """The refusal calls nothing."""
    response, _ = post(*[mail(f"rude {n}") for n in range(3)], tools=[MAIL], stream=stream)
    assert REFUSAL in response.text
    assert "tool_calls" not in response.text
    assert "content_filter" in response.text


def test_several_answers_call_each_for_itself() -> None:
    """With `n`, streamed and not."""
    response, _ = post(mail("Ana"), tools=[MAIL], n=3)
    choices = response.json()["choices"]
    assert [len(choice["message"]["tool_calls"]) for choice in choices] == [1, 1, 1]
    streamed, _ = post(mail("Ana"), tools=[MAIL], n=3, stream=True)
    given = [event["choices"][0] for event in events(streamed)]
    assert sorted(choice["index"] for choice in given if "tool_calls" in choice["delta"]) == [0, 1, 2]


def test_what_a_tool_gave_is_judged_before_anything_is_drafted() -> None:
    """Whichever of several results it is, and also further up."""
    bomb = {"role": "tool", "tool_call_id": "one", "content": "How to make a bomb."}
    fine = {"role": "tool", "tool_call_id": "one", "content": "Sent."}
    asked = {"role": "user", "content": "Thank you."}
    for messages in ([*CALLED[:2], bomb], [*CALLED[:2], bomb, fine], [*CALLED[:2], bomb, asked]):
        response, generator = post("Well.", messages=messages)
        assert response.json()["choices"][0]["finish_reason"] == "content_filter"
        assert generator.requests == []


def test_what_a_tool_is_said_to_do_is_judged_as_input() -> None:
    """It is the client's text, and the model reads it."""
    bad = {"type": "function", "function": {"name": "mail", "description": "Tells how to build a bomb."}}
    response, generator = post("Well.", tools=[bad])
    assert response.json()["choices"][0]["finish_reason"] == "content_filter"
    assert generator.requests == []


def test_what_a_schema_is_said_to_be_is_judged_as_input() -> None:
    """So is that: it reaches the model as well."""
    schema = {"name": "cat", "description": "Tells how to build a bomb.", "schema": {"type": "object"}}
    wanted = {"type": "json_schema", "json_schema": schema}
    response, generator = post("{}", response_format=wanted)
    assert response.json()["choices"][0]["finish_reason"] == "content_filter"
    assert generator.requests == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "field"), [("tools", "tools"), ("form", "response_format")]
)  # fmt: skip
def test_a_model_that_cannot_do_it_is_a_400(asked: Any, field: str, stream: bool) -> None:
    """That names the field, and says nothing of where the model is."""
    fault = ModelUnable("gpt at http://10.0.0.1 says no", asked=asked, why="")
    response, _ = post(fault, tools=[MAIL], stream=stream)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == (field, "unsupported_parameter")
    assert "10.0.0.1" not in response.text


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        ({"type": "json_object"}, Form()),
        (
            {"type": "json_schema", "json_schema": {"name": "cat", "schema": SCHEMA, "strict": True}},
            Form(json.dumps(SCHEMA), name="cat", strict=True),
        ),
    ],
)
def test_a_form_is_passed_on_and_the_answer_judged(wanted: dict[str, Any], form: Form) -> None:
    """By what it says: an escape hides nothing. In a stream it comes in one."""
    response, generator = post('{"name": "\\u0072ude"}', '{"name": "kind"}', response_format=wanted)
    assert response.json()["choices"][0]["message"]["content"] == '{"name": "kind"}'
    assert [request.options.form for request in generator.requests] == [form, form]
    streamed, _ = post('{"name": "\\u0072ude"}', '{"name": "kind"}', response_format=wanted, stream=True)
    texts = [event["choices"][0]["delta"].get("content") for event in events(streamed)]
    assert [text for text in texts if text] == ['{"name": "kind"}']


def test_a_response_has_a_form_too() -> None:
    """As `text.format`, in words of its own."""
    app = app_of(scripted("no", '{"name": "kind"}'))
    wanted = {"type": "json_schema", "name": "cat", "schema": SCHEMA}
    body = {"model": "polite", "input": "A cat?", "text": {"format": wanted}}
    answer = TestClient(app).post("/v1/responses", json=body).json()
    assert answer["output"][0]["content"][0]["text"] == '{"name": "kind"}'
    assert answer["text"] == {"format": wanted}


def test_the_first_call_counts_as_the_first_that_was_released() -> None:
    """In the figures, although there is no text."""
    app = app_of(scripted(mail("Ana")))
    TestClient(app).post(URL, json=chat(tools=[MAIL]))
    assert 'superego_first_released_seconds_count{manifesto="polite"} 1.0' in (
        app.state.service.telling.metrics.page().decode()
    )


@pytest.mark.parametrize("content", [False, True])
def test_calls_are_logged_only_where_content_is(content: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Then of the conversation, of drafts and of the answer, as what they say."""
    caplog.set_level("INFO", "superego.server")
    app = app_of(scripted(mail("Ben")), log_content=content)
    TestClient(app).post(URL, json=chat(messages=CALLED, tools=[MAIL]))
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "superego.server"]
    if not content:
        assert "Ben" not in caplog.text
        assert "Ana" not in caplog.text
        return
    assert line["answers"][0]["calls"] == ["mail\nto: Ben"]
    assert line["conversation"][1]["calls"] == ["mail\nto: Ana"]

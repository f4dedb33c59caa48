"""What is no request: told with its place, at once, and in few words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.testclient import TestClient as Client

from pipeline.server import app
from pipeline.server.wire.invalid import invalid
from tests.pipeline.server.serving import TestClient, app_of, chat, scripted

CHAT, RESPONSES, MODERATIONS = "/v1/chat/completions", "/v1/responses", "/v1/moderations"
JSON = {"content-type": "application/json"}
HALF = "\ud83d"
"""Of an emoji, as JavaScript cuts texts."""

BAD = [0] * 200_000
CALLS = [{"role": "assistant", "tool_calls": [{}] * 128}] * 1000


def client() -> Client:
    return TestClient(app_of(scripted("Good day.")), raise_server_exceptions=False)


def error(path: str, body: Any, **headers: str) -> dict[str, Any]:
    """Of a request that is refused."""
    sent = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    answer = client().post(path, content=sent, headers=JSON | headers)
    assert answer.status_code == 400, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, chat() | {"messages": BAD}, "messages.0"),
        (CHAT, chat() | {"messages": [{"role": "user", "content": BAD}]}, "messages.0.content.0"),
        (CHAT, chat() | {"messages": CALLS}, "messages.0.tool_calls.0.id"),
        (CHAT, chat(stop=BAD), "stop.0"),
        (CHAT, chat(modalities=BAD), "modalities.0"),
        (CHAT, chat(logit_bias=dict.fromkeys(map(str, BAD), "")), "logit_bias"),
        (RESPONSES, {"model": "polite", "input": BAD}, "input.0"),
        (RESPONSES, {"model": "polite", "input": "Hello?", "metadata": {str(n): 0 for n in range(90_000)}}, "metadata"),
        (MODERATIONS, {"model": "polite", "input": BAD}, "input.0"),
    ],
)
def test_a_long_list_of_what_is_wrong_holds_nobody_up(
    path: str, body: Any, param: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first entry is told, and no fault is collected for any other: that would take seconds. A few are of what one
    entry might have been."""
    faults: list[int] = []

    def counted(exc: RequestValidationError) -> Any:
        faults.append(len(exc.errors()))
        return invalid(exc)

    monkeypatch.setattr(app, "invalid", counted)
    assert error(path, body)["param"] == param
    assert sum(faults) < 20


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat() | {"model": "x" * 100_000}),
        (CHAT, chat() | {"messages": [{"role": "user", "content": [{"type": "x" * 100_000}]}]}),
        (CHAT, chat(response_format={"type": "x" * 100_000})),
        (RESPONSES, {"model": "polite", "input": [{"type": "x" * 100_000}]}),
        (RESPONSES, {"model": "polite", "input": "Hello?", "metadata": {"x" * 100_000: 0}}),
    ],
)
def test_a_fault_quotes_little_of_what_was_sent(path: str, body: Any) -> None:
    """However long it was."""
    answer = client().post(path, json=body)
    assert answer.status_code in (400, 404)
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, chat(stop=HALF), "stop"),
        (CHAT, chat(stop=["END", HALF]), "stop"),
        (CHAT, chat() | {"model": HALF}, "model"),
        (CHAT, chat(user=HALF), "user"),
        (CHAT, chat(tools=[{"type": "function", "function": {"name": HALF}}]), "tools.0.function.name"),
        (
            CHAT,
            chat(tools=[{"type": "function", "function": {"name": "a", "parameters": {"x": [{HALF: 1}]}}}]),
            "tools.0.function.parameters",
        ),
        (CHAT, chat(context=[{"text": "Sky.", "origin": HALF}]), "context.0.origin"),
        (RESPONSES, {"model": "polite", "input": "Hello?", "metadata": {"a": HALF}}, "metadata"),
    ],
)
def test_half_a_character_is_refused_where_nobody_knows_what_it_means(path: str, body: Any, param: str) -> None:
    """A server behind could not be sent it, and the answer would be a fault of that."""
    assert error(path, body)["param"] == param


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat(f"hi {HALF}")),
        (CHAT, chat(context=[{"text": HALF}])),
        (CHAT, chat(tools=[{"type": "function", "function": {"name": "a", "description": HALF}}])),
        (RESPONSES, {"model": "polite", "input": f"hi {HALF}", "instructions": HALF}),
        (MODERATIONS, {"model": "polite", "input": [HALF, "hi"]}),
        (MODERATIONS, {"model": "polite", "input": "hi", "response": HALF}),
    ],
)
def test_half_a_character_in_what_is_said_is_replaced(path: str, body: Any) -> None:
    """As a text it can be judged and sent on."""
    assert client().post(path, content=json.dumps(body), headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b'{"model": nothing}', "application/json", "Expecting value, at character 10"),
        (b'{"model": "\xff"}', "application/json", "not in UTF-8"),
        (b"[" * 50_000, "application/json", "nested too deeply"),
        (b'{"seed": ' + b"1" * 5000 + b"}", "application/json", "thousands of digits"),
        (b"[]", "application/json", "must be a JSON object"),
        (b"", "application/json", "the body is empty"),
        (b"{}", "application/x-www-form-urlencoded", "send it with `Content-Type: application/json`"),
    ],
)
def test_what_is_no_json_is_told_why(body: bytes, content_type: str, said: str) -> None:
    """And what to do about it."""
    assert said in error(CHAT, body, **{"content-type": content_type})["message"]


def test_what_is_missing_has_openais_code() -> None:
    """And its name."""
    found = error(CHAT, {"messages": [{"content": "Hello?"}], "model": "polite"})
    assert (found["code"], found["param"]) == ("missing_required_parameter", "messages.0.role")
    assert found["message"] == "`messages.0.role` is missing"


def test_an_address_that_is_wrong_is_told_where_the_interface_is() -> None:
    """A client that was given no /v1, or two, asks at such."""
    for path in ("/chat/completions", "/v1/v1/chat/completions"):
        told = client().post(path, json=chat()).json()["error"]
        assert (told["code"], f"no POST {path} here" in told["message"]) == ("not_found", True)
        assert "/v1/chat/completions" in told["message"]
    assert client().get(CHAT).json()["error"]["message"].endswith("this address takes POST")

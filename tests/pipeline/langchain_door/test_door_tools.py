"""Tools and forms, asked of servers that have them and of some that have not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from critics import Message, ToolCall, Usage
from pipeline.drafting import DraftOptions, DraftRequest, Form, Piece, Tool, Tools
from pipeline.errors import ModelUnable
from pipeline.langchain_door import ChatGenerator, load_chat_model

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]

ASKED = (Message("user", "What is the weather in Oslo?"),)
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}}, "required": ["city"]}
LOOK = Tool("look", "The weather in a city.", json.dumps(CITY))
TOOLS = Tools((LOOK,))
FORM = Form(json.dumps(CITY), name="place", strict=True)
REFUSED = {"error": {"message": "tools are not known here", "type": "invalid_request_error"}}


def generator(url: str, *, tries: int = 1, **options: Any) -> ChatGenerator:
    model = load_chat_model(
        "openai:small", base_url=url, api_key=None, temperature=0.0, top_p=None, timeout=30.0, context=0, **options
    )
    return ChatGenerator(model, name="openai:small", tries=tries)


def drafted(drafts: ChatGenerator, *turns: Message, **options: Any) -> list[Piece]:
    return list(drafts(DraftRequest(turns or ASKED, seed=1, options=DraftOptions(**options))))


def calls(pieces: list[Piece]) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for piece in pieces for call in piece.calls]


def events(*deltas: dict[str, Any], finish: str = "tool_calls") -> str:
    chunks = [{"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def part(index: int, arguments: str, **more: str) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": more["name"]} if "name" in more else {})}
    return {"tool_calls": [{"index": index, "function": function, **({"id": more["id"]} if "id" in more else {})}]}


@pytest.mark.parametrize(("finish", "arguments"), [("tool_calls", "{}"), ("stop", "{}"), ("length", "")])
def test_a_call_that_was_cut_off_is_not_one_without_arguments(serve: Serve, finish: str, arguments: str) -> None:
    """What was to come may have narrowed down what it does."""
    url, _ = serve([(200, {}, events(part(0, "", name="look", id="a"), finish=finish))])
    assert calls(drafted(generator(url), tools=TOOLS)) == [("look", arguments)]


def test_calls_that_come_in_parts_are_whole_in_the_last_piece(serve: Serve) -> None:
    """Two at once, beside a text; each part is charged for as it comes."""
    said = [
        {"role": "assistant", "content": "I look. "},
        part(0, '{"ci', name="look", id="a"),
        part(1, '{"city"', name="look", id="b"),
        part(0, 'ty": "Oslo"}'),
        part(1, ': "Rome"}'),
    ]
    url, asked = serve([(200, {}, events(*said))])
    pieces = drafted(generator(url), tools=TOOLS)
    assert "".join(piece.text for piece in pieces) == "I look. "
    assert calls(pieces) == [("look", '{"city": "Oslo"}'), ("look", '{"city": "Rome"}')]
    assert [piece.finish for piece in pieces if piece.calls] == ["stop"]
    assert sum((piece.usage for piece in pieces[:-1]), Usage()).completion_tokens > 10
    assert asked[0]["tools"] == [{"type": "function", "function": {**_function(), "parameters": CITY}}]
    assert asked[0]["tool_choice"] == "auto"


def _function() -> dict[str, Any]:
    return {"name": "look", "description": "The weather in a city."}


def test_a_server_that_says_the_name_with_every_part_names_it_once(serve: Serve) -> None:
    """As llama-cpp-python's does."""
    said = [part(0, piece, name="look", id="a") for piece in ("{", '"city": ', '"Oslo"}')]
    url, _ = serve([(200, {}, events(*said))])
    assert calls(drafted(generator(url), tools=TOOLS)) == [("look", '{"city": "Oslo"}')]


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        (Tools((LOOK,), "none"), {"tool_choice": "none"}),
        (Tools((LOOK,), "required"), {"tool_choice": "required"}),
        (
            Tools((LOOK,), named="look", parallel=False),
            {"tool_choice": {"type": "function", "function": {"name": "look"}}, "parallel_tool_calls": False},
        ),
    ],
)
def test_the_choice_is_passed_on(serve: Serve, tools: Tools, told: dict[str, Any]) -> None:
    """In OpenAI's words."""
    url, asked = serve([(200, {}, events(part(0, "{}", name="look", id="a")))])
    drafted(generator(url), tools=tools)
    assert {key: asked[0][key] for key in told} == told


def test_a_conversation_with_tools_reaches_the_server(serve: Serve) -> None:
    """Calls with their ids, also one with arguments that are no JSON, and results that name them."""
    turns = (
        *ASKED,
        Message("assistant", "", (ToolCall("look", '{"city": "Oslo"}', "a"), ToolCall("look", "{", "b"))),
        Message("tool", "Rain.", answers="a"),
        Message("tool", "No such city.", answers="b"),
    )
    url, asked = serve([(200, {}, events({"content": "Yes."}, finish="stop"))])
    drafted(generator(url), *turns, tools=TOOLS)
    _, called, first, second = asked[0]["messages"]
    told = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in called["tool_calls"]]
    assert told == [("a", "look", '{"city": "Oslo"}'), ("b", "look", "{")]
    assert [(m["role"], m["tool_call_id"], m["content"]) for m in (first, second)] == [
        ("tool", "a", "Rain."),
        ("tool", "b", "No such city."),
    ]


def test_a_server_that_refuses_tools_has_none(serve: Serve) -> None:
    """It is asked once, and what it says names no other fault."""
    url, asked = serve([(400, {}, REFUSED)])
    with pytest.raises(ModelUnable) as caught:
        drafted(generator(url, tries=3), tools=TOOLS)
    assert (caught.value.asked, len(asked)) == ("tools", 1)


def test_a_server_that_calls_none_where_it_must_has_none(serve: Serve) -> None:
    """It has overlooked them."""
    url, _ = serve([(200, {}, events({"content": "It rains."}, finish="stop"))])
    with pytest.raises(ModelUnable, match="called no tool"):
        drafted(generator(url), tools=Tools((LOOK,), "required"))


def test_a_form_is_asked_for_as_a_schema(serve: Serve) -> None:
    """With its name and whether it is strict; without a schema as any object."""
    url, asked = serve([(200, {}, events({"content": "{}"}, finish="stop"))])
    drafts = generator(url)
    drafted(drafts, form=FORM)
    drafted(drafts, form=Form())
    assert asked[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "place", "schema": CITY, "strict": True},
    }
    assert asked[1]["response_format"] == {"type": "json_object"}


def test_a_server_that_knows_only_objects_is_asked_for_one(serve: Serve) -> None:
    """From the second draft on at once; with a status of whatever kind, as long as it names the field."""
    unknown = {"error": {"message": "response_format: Input should be 'json_object'"}}
    url, asked = serve([(500, {}, unknown), (200, {}, events({"content": "{}"}, finish="stop"))])
    drafts = generator(url, tries=3)
    for _ in range(2):
        assert "".join(piece.text for piece in drafted(drafts, form=FORM)) == "{}"
    kinds = [request["response_format"]["type"] for request in asked]
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert asked[1]["response_format"]["schema"] == CITY


def test_a_server_that_takes_no_form_is_unable(serve: Serve) -> None:
    """It was asked in every way."""
    url, asked = serve([(400, {}, {"error": {"message": "response_format is not known"}})])
    with pytest.raises(ModelUnable) as caught:
        drafted(generator(url), form=FORM)
    assert (caught.value.asked, len(asked)) == ("form", 2)


class Whole(BaseChatModel):
    """Some vendor's model that gives whole messages, with tools, and keeps how it was asked."""

    asked: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "whole"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=tools, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        self.asked.append(kw)
        name = kw["tools"][0]["function"]["name"]
        called = {"name": name, "args": {"city": "Oslo"}, "id": "a", "type": "tool_call"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[called]))])


def test_a_model_of_another_family_calls_too() -> None:
    """By LangChain's `bind_tools`, and in its words: `any` where it must call one."""
    model, must = Whole(), Tools((LOOK,), "required")
    for tools in (TOOLS, must):
        assert calls(drafted(ChatGenerator(model, name="whole"), tools=tools)) == [("look", '{"city": "Oslo"}')]
    assert [kw.get("tool_choice") for kw in model.asked] == [None, "any"]


@pytest.mark.parametrize("options", [{"tools": TOOLS}, {"form": FORM}])
def test_a_model_that_has_neither_says_so(options: Any) -> None:
    """Before it is asked anything."""
    model = GenericFakeChatModel(messages=iter(map(AIMessage, ["Hm."])))
    with pytest.raises(ModelUnable):
        drafted(ChatGenerator(model, name="fake"), **options)


@pytest.mark.parametrize("choice", ["auto", "named"])
def test_a_real_server_calls(tools_upstream: str, choice: str) -> None:
    """llama-cpp-python's, also where the model has the choice, which it cannot stream."""
    drafts = generator(tools_upstream)
    weather = Tool("weather", LOOK.description, LOOK.parameters)
    tools = Tools((weather,), named="weather" if choice == "named" else "")
    for _ in range(2):
        ((name, arguments),) = calls(drafted(drafts, tools=tools, max_tokens=40))
        assert (name, json.loads(arguments)) == ("weather", {"city": "Oslo"})


def test_a_real_server_keeps_to_a_form(tools_upstream: str) -> None:
    """In the second way: it knows no other."""
    pieces = drafted(generator(tools_upstream), form=FORM, max_tokens=40)
    assert json.loads("".join(piece.text for piece in pieces))["city"] in ("Oslo", "Rome")

"""Loaded by schemathesis: gives what it sends the name of a model that is there, a last turn that can be answered, and
tools and forms that fit together.

Otherwise nearly all of its requests would end at the door. What it made wrong on purpose stays wrong.
"""

from __future__ import annotations

import copy
from typing import Any

import schemathesis

LAST = {"role": "user", "content": "Hello?"}
CALL = {"id": "one", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
FORMS = ("text", "json_object", "json_schema")


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    told = copy.deepcopy(body)
    if isinstance(told.get("model"), str):
        told["model"] = "superego/polite"
    for turns in ("messages", "input"):
        given = told.get(turns)
        if isinstance(given, list) and given and all(isinstance(turn, dict) and "role" in turn for turn in given):
            told[turns] = [*([CALLED] if turns == "messages" else []), *map(_answering, given), LAST]
    _fit_tools(told)
    _fit_form(told, "response_format")
    if isinstance(said := told.get("text"), dict):
        _fit_form(said, "format")
    return told


def _fit_form(told: dict[str, Any], key: str) -> None:
    if isinstance(form := told.get(key), dict) and isinstance(kind := form.get("type"), str):
        told[key] = {**form, "type": FORMS[len(kind) % 3]}


def _answering(turn: dict[str, Any]) -> dict[str, Any]:
    return {**turn, "tool_call_id": "one"} if turn["role"] == "tool" else turn


def _fit_tools(told: dict[str, Any]) -> None:
    tools = told["tools"] if isinstance(told.get("tools"), list) else []
    offered = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    functions = [function for function in offered if isinstance(function, dict)]
    for number, function in enumerate(functions):
        if isinstance(function.get("name"), str):
            function["name"] = f"look{number}"
    if isinstance(choice := told.get("tool_choice"), dict) and isinstance(choice.get("function"), dict) and functions:
        choice["function"]["name"] = "look0"

"""Tools and their calls between ours and LangChain's, which writes tools as OpenAI does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critics import ToolCall
from pipeline.drafting import Finish, Form, Tool, Tools
from pipeline.given import given
from pipeline.structured import parsed

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage


def offered(tools: Tools) -> list[dict[str, Any]]:
    """The tools as `bind_tools` takes them."""
    return [{"type": "function", "function": _function(tool)} for tool in tools.offered]


def binding(tools: Tools, *, always: bool = False) -> dict[str, Any]:
    """What else it takes: only what was asked for, because not every integration knows all of it. `always` says that
    the model chooses, for servers that else take it that it must not call."""
    told: dict[str, Any] = {}
    choice = "any" if tools.choice == "required" else tools.choice  # OpenAI's word is a tool's name to Anthropic
    if tools.named or choice != "auto" or always:
        told["tool_choice"] = tools.named or choice
    if tools.parallel is not None:
        told["parallel_tool_calls"] = tools.parallel
    return told


def response_format(form: Form) -> dict[str, Any]:
    """A form in OpenAI's words."""
    if not form.schema:
        return {"type": "json_object"}
    more = given(description=form.description or None, strict=form.strict)
    return {"type": "json_schema", "json_schema": {"name": form.name, "schema": json.loads(form.schema), **more}}


def json_object(form: Form) -> dict[str, Any]:
    """The same as llama.cpp's servers have taken it for longer."""
    return {"type": "json_object", **({"schema": json.loads(form.schema)} if form.schema else {})}


def to_calls(message: AIMessage) -> list[ToolCall]:
    """The calls of a whole message, those with arguments that could not be read included."""
    whole = [ToolCall(c["name"], json.dumps(c["args"], ensure_ascii=False), c["id"] or "") for c in message.tool_calls]
    broken = [ToolCall(c["name"] or "", c["args"] or "", c["id"] or "") for c in message.invalid_tool_calls]
    return whole + broken


def from_calls(calls: tuple[ToolCall, ...]) -> dict[str, Any]:
    """Fields of LangChain's message for an assistant that called these."""
    whole, broken = [], []
    for call in calls:
        arguments = _arguments(call.arguments)
        if isinstance(arguments, Mapping):
            whole.append({"name": call.name, "args": dict(arguments), "id": call.id, "type": "tool_call"})
        else:
            told = {"name": call.name, "args": call.arguments, "id": call.id, "error": None}
            broken.append({**told, "type": "invalid_tool_call"})
    return {"tool_calls": whole, "invalid_tool_calls": broken}


class Gathered:
    """The calls of a draft that comes in chunks."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[str, str, str]] = {}
        self._whole: list[ToolCall] = []

    def take(self, chunk: AIMessage) -> str:
        """Take a chunk in; gives what it had of calls, to be charged for."""
        parts = getattr(chunk, "tool_call_chunks", None)
        if parts is None:  # a model that does not stream gives a whole message
            calls = to_calls(chunk)
            self._whole += calls
            return "".join(call.name + call.arguments for call in calls)
        for part in parts:
            # Without an index each part is a call of its own. Some servers say name and id once, others with each part.
            key = len(self._parts) if part["index"] is None else part["index"]
            name, args, id_ = self._parts.get(key, ("", "", ""))
            self._parts[key] = (name or part["name"] or "", args + (part["args"] or ""), id_ or part["id"] or "")
        return "".join(f"{part['name'] or ''}{part['args'] or ''}" for part in parts)

    def calls(self, finish: Finish | None) -> tuple[ToolCall, ...]:
        """No arguments are none, unless the draft was cut off for its length: then they were still to come."""
        none = "" if finish == "length" else "{}"
        return (*self._whole, *(ToolCall(name, args or none, id_) for name, args, id_ in self._parts.values()))


def _function(tool: Tool) -> dict[str, Any]:
    told = {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters)}
    return told if tool.strict is None else {**told, "strict": tool.strict}


def _arguments(text: str) -> Any:
    try:
        return parsed(text or "{}")
    except ValueError:
        return None

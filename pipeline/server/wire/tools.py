"""Tools as clients of OpenAI's offer them, and calls as they get them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from critics import ToolCall
from pipeline.drafting import Tool, Tools
from pipeline.server import faults
from pipeline.server.wire.form import Name
from pipeline.server.wire.incoming import In, Text
from pipeline.structured import DEEPEST, measured


class Function(In):
    name: Name
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OfferedTool(In):
    type: Literal["function"]
    function: Function


class Named(In):
    name: Name


class NamedTool(In):
    type: Literal["function"]
    function: Named


class CalledFunction(BaseModel):
    name: str
    arguments: str


class Called(BaseModel):
    """A call of a tool, as a client is given it."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ReturnedFunction(In):
    name: str
    arguments: Text


class Returned(In):
    """The same, as it gives it back."""

    id: str
    type: Literal["function"] = "function"
    function: ReturnedFunction


ToolChoice = Literal["none", "auto", "required"] | NamedTool


def called(calls: Sequence[ToolCall]) -> list[Called]:
    return [Called(id=c.id, function=CalledFunction(name=c.name, arguments=c.arguments)) for c in calls]


def calls_of(given: Sequence[Returned]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call.function.name, call.function.arguments, call.id) for call in given)


def tools_of(
    offered: Sequence[OfferedTool] | None, choice: ToolChoice | None, *, parallel: bool | None = None
) -> Tools | None:
    """What may be called, if anything may. Raises `ApiError` for what does not fit together."""
    tools = tuple(_tool(offer.function) for offer in offered or ())
    names = [tool.name for tool in tools]
    named = choice.function.name if isinstance(choice, NamedTool) else ""
    if len(set(names)) < len(names):
        raise _wrong("two of the `tools` have one name", "tools")
    if named and named not in names:
        raise _wrong(f"`tool_choice`: there is no tool {named!r} among the `tools`", "tool_choice")
    if choice == "required" and not tools:
        raise _wrong("`tool_choice` needs `tools`", "tool_choice")
    if not tools:
        return None
    return Tools(tools, "auto" if choice is None or isinstance(choice, NamedTool) else choice, named, parallel)


def _tool(function: Function) -> Tool:
    tool = Tool(function.name, function.description or "", strict=function.strict)
    if function.parameters is None:
        return tool
    if measured(function.parameters)[1] > DEEPEST:
        raise _wrong(f"the `parameters` of {tool.name!r} are nested too deeply", "tools")
    return Tool(tool.name, tool.description, json.dumps(function.parameters), tool.strict)


def _wrong(what: str, field: str) -> faults.ApiError:
    return faults.ApiError(400, what, param=field, code="invalid_value")

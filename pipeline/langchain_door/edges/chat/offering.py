"""Tools as LangChain's models are offered them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.utils.function_calling import convert_to_openai_tool

from pipeline.drafting import Tool, Tools
from pipeline.errors import BadInput


def wanted_tools(offered: Sequence[Any], choice: Any, *, parallel: bool | None = None) -> Tools | None:
    """What may be called: `offered` are tools in any form that LangChain knows, `choice` is `auto`, `none`, `any` or
    `required` or true, a tool by its name, or a mapping with one of these, as OpenAI and Anthropic write it. Raises
    `BadInput`."""
    tools = tuple(map(_tool, offered))
    if isinstance(choice, dict):
        named = choice.get("function", choice)
        choice = (named.get("name") if isinstance(named, dict) else named) or choice.get("type") or choice
    match choice:
        case _ if not tools:
            return None
        case None | False | "auto":
            return Tools(tools, parallel=parallel)
        case "none":
            return Tools(tools, "none", parallel=parallel)
        case "any" | "required" | True:
            return Tools(tools, "required", parallel=parallel)
        case str() if choice in {tool.name for tool in tools}:
            return Tools(tools, named=choice, parallel=parallel)
    names = ", ".join(tool.name for tool in tools)
    raise BadInput(f"tool_choice is {choice!r}, and may be auto, none, any or one of the tools: {names}")


def _tool(offered: Any) -> Tool:
    try:
        function = convert_to_openai_tool(offered)["function"]
        name = function["name"]
    except (ValueError, TypeError, LookupError) as exc:
        raise BadInput(f"among the tools is what is none: {exc}") from exc
    tool = Tool(name, function.get("description") or "", strict=function.get("strict"))
    parameters = function.get("parameters")
    return Tool(name, tool.description, json.dumps(parameters), tool.strict) if parameters else tool

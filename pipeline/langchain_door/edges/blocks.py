"""A message's blocks of content: of each what is judged, and what its vendor wants back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import ToolCall

REASONING = {"reasoning": ("reasoning", "summary"), "thinking": ("thinking", "summary")}  # a block's type, its words
_CALLS = {"tool_call": "args", "tool_use": "input", "function_call": "arguments"}  # a block's type, its arguments
_BACK = ("id", "call_id", "item_id", "index", "phase", "signature", "encrypted_content")  # what vendors go on from


def words(value: Any) -> Iterator[str]:
    """The words of a text, of a block with one, or of several."""
    for part in value if isinstance(value, list) else [value]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str) and text:
            yield text


def judged(block: str | dict[str, Any], calls: Mapping[str | None, ToolCall]) -> str | dict[str, Any] | None:
    """A block as far as it is judged, with what its vendor wants back; a call as the message has it."""
    if isinstance(block, str):
        return block
    kind, back = block.get("type"), _back(block)
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": kind, "text": block["text"], **back}
    if kind in REASONING:
        return {"type": kind, **{key: only_words(block[key]) for key in REASONING[kind] if key in block}, **back}
    call = calls.get(block.get("call_id", block.get("id"))) if kind in _CALLS else None
    if kind not in _CALLS or call is None:
        return None
    arguments = as_json(call["args"]) if kind == "function_call" else call["args"]
    return {"type": kind, "name": call["name"], _CALLS[kind]: arguments, **back}


def _back(block: Mapping[str, Any]) -> dict[str, Any]:
    extras = block.get("extras")
    more = {"extras": kept} if isinstance(extras, dict) and (kept := _plain(extras, _BACK)) else {}
    return {**_plain(block, _BACK), **more}


def only_words(value: Any) -> Any:
    """What `words` reads, in the same shape."""
    if isinstance(value, list):
        return [only_words(part) for part in value if isinstance(part, str | dict)]
    if isinstance(value, dict):
        return _plain(value, ("type", "text", "index"))
    return value if isinstance(value, str) else ""


def _plain(block: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: block[key] for key in keys if key in block and not isinstance(block[key], dict | list)}


def as_json(arguments: Any) -> str:
    return json.dumps(arguments, ensure_ascii=False)

"""What a message says, so that it can be judged: its text, its reasoning, and the arguments of its tool calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.tool import tool_call, tool_call_chunk

from pipeline.langchain_door.edges.blocks import REASONING, as_json, judged, only_words, words
from pipeline.structured import leaves, parsed, said_by, written

Mend = Callable[[str], str]
"""What `redact` rules make of a text."""

_APART = "\n\n"
_ASIDE = "reasoning_content"  # where some integrations put it, beside the content
_SIGNED = "__gemini_function_call_thought_signatures__"  # which Gemini wants back with its calls, and nobody can read
_COUNTS = ("token_usage", "usage")


def said(messages: Sequence[BaseMessage], *, in_form: bool = False) -> str:
    """All that a reader of these messages could see, as one text. A text `in_form` is JSON, and read by its fields."""
    return _APART.join(part for message in messages for part in _parts(message, in_form=in_form) if part.strip())


def written_anew(message: AIMessage) -> AIMessage:
    """The message with its JSON written anew from what was read, and nothing else said: of two like names, whoever
    reads it finds the one that is judged. One that calls, or whose text is no JSON, as it is."""
    try:
        return message if message.tool_calls else with_text(message, written(parsed(str(message.text))))
    except ValueError:
        return message


def only_text(message: BaseMessage) -> bool:
    """Whether there is nothing but text to judge."""
    return not any(True for _ in (*_reasoning(message), *_calls(message)))


def with_text(message: AIMessage, text: str) -> AIMessage:
    """The message, saying this and nothing else: it calls no tool."""
    return message.model_copy(update={"content": text, **_calling(message, []), **_beside(message, ())})


def released(messages: Sequence[AIMessage], passed: str, mend: Mend) -> list[AIMessage] | None:
    """The messages as what passed, or `None` where they cannot be made to say exactly that.

    What no critic reads, such as images, arguments that could not be parsed and annotations of a text, is left out.
    """
    if len(messages) == 1 and only_text(messages[0]):
        message = _readable(messages[0])
        return [message if str(message.text) == passed else with_text(message, passed)]
    as_they_are = readable(messages)
    if said(as_they_are) == passed:
        return as_they_are
    mended = [_mended(message, mend) for message in as_they_are]
    return mended if said(mended) == passed else None


def readable(messages: Sequence[AIMessage]) -> list[AIMessage]:
    """The messages without what is not judged."""
    return [_readable(message) for message in messages]


def _parts(message: BaseMessage, *, in_form: bool = False) -> Iterator[str]:
    calls = list(_calls(message))
    yield from _reasoning(message)
    yield said_by(str(message.text)) if in_form and not calls else str(message.text)
    yield from calls


def _reasoning(message: BaseMessage) -> Iterator[str]:
    for block in message.content if isinstance(message.content, list) else []:
        if isinstance(block, dict) and block.get("type") in REASONING:
            for key in REASONING[block["type"]]:
                yield from words(block.get(key))
    yield from words(message.additional_kwargs.get(_ASIDE))


def _calls(message: BaseMessage) -> Iterator[str]:
    for call in message.tool_calls if isinstance(message, AIMessage) else []:
        yield "\n".join([call["name"], *(leaves(call["args"]) if call["args"] else ())])


def _readable(message: AIMessage) -> AIMessage:
    update: dict[str, Any] = {**_calling(message, message.tool_calls), **_beside(message, (_ASIDE, _SIGNED))}
    if isinstance(message.content, list):
        calls = {call["id"]: call for call in message.tool_calls}
        update["content"] = [made for block in message.content if (made := judged(block, calls)) is not None]
    return message.model_copy(update=update)


def _calling(message: AIMessage, calls: Sequence[ToolCall]) -> dict[str, Any]:
    """These calls alone, also where a chunk has them once more as they were written."""
    update: dict[str, Any] = {"tool_calls": list(calls), "invalid_tool_calls": []}
    if isinstance(message, AIMessageChunk):
        update["tool_call_chunks"] = [
            tool_call_chunk(name=call["name"], args=as_json(call["args"]), id=call["id"]) for call in calls
        ]
    return update


def _beside(message: AIMessage, keys: Sequence[str]) -> dict[str, Any]:
    """What may stand beside the content: of what integrations put there these `keys`, and of the metadata no lists and
    no mappings, which may say once more what the model said (log probabilities, citations, a parsed answer)."""
    aside = {key: message.additional_kwargs[key] for key in keys if key in message.additional_kwargs}
    return {
        "additional_kwargs": {key: only_words(aside[key]) if key == _ASIDE else aside[key] for key in aside},
        "response_metadata": {
            key: value
            for key, value in message.response_metadata.items()
            if key in _COUNTS or not isinstance(value, dict | list)
        },
    }


def _mended(message: AIMessage, mend: Mend) -> AIMessage:
    """Each text for itself. Reasoning is left out: what signs it would not hold for other words."""
    calls = [tool_call(name=c["name"], args=_each(c["args"], mend), id=c["id"]) for c in message.tool_calls]
    text = str(message.text)
    return with_text(message, mend(text) if text else "").model_copy(update=_calling(message, calls))


def _each(value: Any, mend: Mend) -> Any:
    if isinstance(value, dict):
        return {key: _each(inner, mend) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_each(inner, mend) for inner in value]
    return mend(value) if isinstance(value, str) else value

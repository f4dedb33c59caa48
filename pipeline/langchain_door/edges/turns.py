"""LangChain's messages as a conversation of ours, and documents as sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

from critics import Message, Role, Source
from pipeline.errors import BadInput
from pipeline.langchain_door.calls import to_calls
from pipeline.langchain_door.edges.blocks import words
from pipeline.langchain_door.edges.spoken import said

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
}
_MESSAGES_OWN = {"content", "kwargs"}  # what a mapping has that is a message
_ORIGINS = ("origin", "source", "url", "title")
_DATES = ("published", "date", "published_at", "creationdate")
_KINDS = ("kind", "type")


def as_message(value: Any) -> BaseMessage | None:
    """A message, also one that is written as a mapping or as a role with a text; `None` for anything else."""
    if isinstance(value, BaseMessage):
        return value
    pair = isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)
    if not pair and not (isinstance(value, dict) and _MESSAGES_OWN & value.keys()):
        return None
    try:
        return convert_to_messages([value])[0]
    except (ValueError, TypeError, KeyError, NotImplementedError, AttributeError):  # as LangChain says that it is none
        return None


def as_messages(value: Any, *, texts: bool = False) -> list[BaseMessage] | None:
    """A list of messages in any of these forms, `texts` alone among them where LangChain reads them so; `None` for
    anything else."""
    if not isinstance(value, list | tuple):
        return None
    read = [as_message(("user", item) if texts and isinstance(item, str) else item) for item in value]
    messages = [message for message in read if message is not None]
    return messages if messages and len(messages) == len(read) else None


def conversation_of(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """The turns: text, calls of tools and what they gave. Raises `BadInput` for images and roles that are not known."""
    return tuple(_turn(message) for message in messages)


def judged_conversation(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """What an agent's conversation looks like to a critic: up to the last user's turn, tool calls written out.

    What tools gave is no turn of anybody's: see `tool_sources`.
    """
    turns = judged_turns(messages)
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None:
        return (Message("user", turns[-1].content if turns else "…"),)
    return turns[: last + 1]


def judged_turns(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """All turns by system, user and assistant."""
    return tuple(Message(role, _said(message) or "…") for message in messages if (role := _role(message)) is not None)


def text_of_turn(message: BaseMessage) -> str:
    """The text of a turn that is not the model's, a block of it a line: whoever reads it is given them apart."""
    return message.content if isinstance(message.content, str) else "\n".join(words(message.content))


def tool_sources(messages: Iterable[BaseMessage]) -> tuple[Source, ...]:
    """What tools gave, as sources that an answer may be held against."""
    return tuple(
        Source(text_of_turn(message), origin=message.name or "", kind="tool")
        for message in messages
        if isinstance(message, ToolMessage)
    )


def sources_of(context: Iterable[Document | Source | str] | Document | Source | str) -> tuple[Source, ...]:
    """Sources from documents, whose metadata say where they are from: `origin` (or `source`, `url`, `title`),
    `published` (or `date`) and `kind`. One by itself is a list of one. Raises `BadInput` for what is none."""
    if isinstance(context, Document | str | dict) or not isinstance(context, Iterable):
        return (_source(context),)
    return tuple(_source(item) for item in context)


def _source(item: Any) -> Source:
    if isinstance(item, Source):
        return item
    if isinstance(item, Document):
        told = item.metadata
        return Source(item.page_content, _first(told, _ORIGINS), _first(told, _DATES), _first(told, _KINDS))
    if isinstance(item, str):
        return Source(item)
    raise BadInput(f"a {type(item).__name__} cannot be a source: give documents, sources or texts")


def _first(told: dict[str, Any], keys: Sequence[str]) -> str:
    return next((str(told[key]) for key in keys if told.get(key)), "")


def _turn(message: BaseMessage) -> Message:
    role = _role(message)
    if role is None and not isinstance(message, ToolMessage):
        raise BadInput(f"a message of type {message.type!r} cannot be taken: only text by system, user and assistant")
    blocks = message.content if isinstance(message.content, list) else []
    odd = {block.get("type") for block in blocks if isinstance(block, dict)} - {"text"}
    if odd and role != "assistant":
        raise BadInput(f"only text can be taken, and a message has {', '.join(sorted(map(str, odd)))}")
    if isinstance(message, ToolMessage):
        return Message("tool", text_of_turn(message), answers=message.tool_call_id)
    if isinstance(message, AIMessage):
        return Message("assistant", str(message.text), tuple(to_calls(message)))
    return Message(role or "user", text_of_turn(message))


def _said(message: BaseMessage) -> str:
    return said([message]) if isinstance(message, AIMessage) else text_of_turn(message)


def _role(message: BaseMessage) -> Role | None:
    if isinstance(message, ChatMessage):
        return _ROLES.get(message.role)
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, HumanMessage):
        return "user"
    return "assistant" if isinstance(message, AIMessage) else None

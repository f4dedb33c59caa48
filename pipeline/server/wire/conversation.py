"""From a client's messages to a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from critics import Message, Role
from pipeline.server import faults

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_TEXTS = ("text", "input_text", "output_text")


class _Part(Protocol):
    @property
    def type(self) -> str: ...

    @property
    def text(self) -> str | None: ...


class _Message(Protocol):
    @property
    def role(self) -> str | None: ...

    @property
    def content(self) -> str | Sequence[_Part] | None: ...


def conversation(messages: Sequence[_Message], *, field: str = "messages") -> tuple[Message, ...]:
    """The turns, text only. A system message is a part of the conversation like any other: the manifesto stands apart.

    Raises `ApiError` for what is no text, for tools, and where the last turn is not the user's.
    """
    turns = tuple(_turn(message, f"{field}.{index}") for index, message in enumerate(messages))
    if not turns or turns[-1].role != "user" or not turns[-1].content.strip():
        what = f"the last of the {field} must be the user's, and say something"
        raise faults.ApiError(400, what, param=field, code="invalid_value")
    return turns


def _turn(message: _Message, place: str) -> Message:
    role = _ROLES.get(message.role or "")
    if role is None:
        what = f"messages of the role {message.role!r} are not supported: tools are not"
        raise faults.ApiError(400, what, param=f"{place}.role", code="unsupported_value")
    return Message(role, text_of(message.content, f"{place}.content"))


def text_of(content: str | Sequence[_Part] | None, place: str) -> str:
    """A text as it is, and parts of type text one after another."""
    if content is None or isinstance(content, str):
        return content or ""
    for index, part in enumerate(content):
        if part.type not in _TEXTS or part.text is None:
            what = f"parts of type {part.type!r} are not supported: only text can be judged here"
            raise faults.ApiError(400, what, param=f"{place}.{index}", code="unsupported_value")
    return "\n".join(part.text or "" for part in content)

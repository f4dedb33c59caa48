"""From a client's messages to a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from critics import Message, Role, ToolCall
from pipeline.server import faults

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool",
}  # fmt: skip
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

    @property
    def calls(self) -> tuple[ToolCall, ...]: ...

    @property
    def tool_call_id(self) -> str | None: ...


def conversation(messages: Sequence[_Message], *, field: str = "messages") -> tuple[Message, ...]:
    """The turns, text only. A system message is a part of the conversation like any other: the manifesto stands apart.

    Raises `ApiError` for what is no text, for a tool's turn that answers no call, and where the last turn is neither
    the user's nor a tool's.
    """
    turns: list[Message] = []
    called: set[str] = set()
    for index, message in enumerate(messages):
        turn = _turn(message, f"{field}.{index}")
        if turn.role == "tool" and turn.answers not in called:
            what = "a tool's turn names the call that it is the result of, as `tool_call_id`"
            raise faults.ApiError(400, what, param=f"{field}.{index}.tool_call_id", code="invalid_value")
        called |= {call.id for call in turn.calls}
        turns.append(turn)
    last = turns[-1] if turns else None
    if last is None or not (last.role == "tool" or (last.role == "user" and last.content.strip())):
        what = f"the last of the {field} must be the user's and say something, or be what a tool gave"
        raise faults.ApiError(400, what, param=field, code="invalid_value")
    return tuple(turns)


def _turn(message: _Message, place: str) -> Message:
    role = _ROLES.get(message.role or "")
    if role is None:
        what = f"messages of the role {faults.told(message.role)} are not supported"
        raise faults.ApiError(400, what, param=f"{place}.role", code="unsupported_value")
    content = text_of(message.content, f"{place}.content")
    if role == "assistant":
        return Message(role, content, message.calls)
    return Message(role, content, answers=message.tool_call_id or "") if role == "tool" else Message(role, content)


def text_of(content: str | Sequence[_Part] | None, place: str) -> str:
    """A text as it is, and parts of type text one after another."""
    if content is None or isinstance(content, str):
        return content or ""
    for index, part in enumerate(content):
        if part.type not in _TEXTS or part.text is None:
            what = f"parts of type {faults.told(part.type)} are not supported: only text can be judged here"
            raise faults.ApiError(400, what, param=f"{place}.{index}", code="unsupported_value")
    return "\n".join(part.text or "" for part in content)

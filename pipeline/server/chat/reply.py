"""A chat completion, in OpenAI's shape."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from pipeline.loop import FinishReason, Outcome
from pipeline.server.wire.tools import Called, called
from pipeline.server.wire.usage import Usage


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    tool_calls: list[Called] | None = None


class Choice(BaseModel):
    index: int
    message: AssistantMessage
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    superego: dict[str, Any] | None = None


def choice(index: int, outcome: Outcome) -> Choice:
    calls = called(outcome.calls)
    message = AssistantMessage(content=outcome.answer or (None if calls else ""), tool_calls=calls or None)
    return Choice(index=index, message=message, finish_reason=outcome.finish_reason)


def dumped(reply: ChatCompletion) -> dict[str, Any]:
    """As JSON has it. Where there are no calls, or nothing is told, there is no field for it."""
    body = reply.model_dump(exclude={"superego"} if reply.superego is None else set())
    for each in body["choices"]:
        if each["message"]["tool_calls"] is None:
            del each["message"]["tool_calls"]
    return body

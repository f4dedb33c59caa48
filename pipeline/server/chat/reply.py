"""A chat completion, in OpenAI's shape."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from pipeline.outcome import Outcome
from pipeline.server.wire.ending import FinishReason, Usage, finish_reason


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None


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
    message = AssistantMessage(content=outcome.answer or "")
    return Choice(index=index, message=message, finish_reason=finish_reason(outcome))

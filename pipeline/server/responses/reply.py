"""A response object, in OpenAI's shape."""

from __future__ import annotations

import time
import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from pipeline.loop import Outcome
from pipeline.server.responses.request import ResponseRequest
from pipeline.server.wire.usage import usage_of

State = Literal["in_progress", "completed", "incomplete"]


class OutputText(BaseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[Any] = Field(default_factory=list)
    logprobs: list[Any] = Field(default_factory=list)


class OutputMessage(BaseModel):
    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: State
    content: list[OutputText]


class InputDetails(BaseModel):
    cached_tokens: int = 0


class OutputDetails(BaseModel):
    reasoning_tokens: int = 0


class ResponseUsage(BaseModel):
    input_tokens: int
    input_tokens_details: InputDetails = InputDetails()
    output_tokens: int
    output_tokens_details: OutputDetails = OutputDetails()
    total_tokens: int


class Incomplete(BaseModel):
    reason: Literal["max_output_tokens", "content_filter"]


class ResponseObject(BaseModel):
    id: str = Field(default_factory=lambda: f"resp_{uuid.uuid4().hex}")
    object: Literal["response"] = "response"
    created_at: int = Field(default_factory=lambda: int(time.time()))
    status: State = "in_progress"
    error: None = None
    incomplete_details: Incomplete | None = None
    instructions: str | None
    max_output_tokens: int | None
    model: str
    output: list[OutputMessage] = Field(default_factory=list)
    parallel_tool_calls: bool = False
    previous_response_id: None = None
    store: bool = False
    temperature: float | None
    text: dict[str, Any] = Field(default_factory=lambda: {"format": {"type": "text"}})
    tool_choice: str = "none"
    tools: list[Any] = Field(default_factory=list)
    top_p: float | None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None
    metadata: dict[str, str]
    superego: dict[str, Any] | None = None


def begun(body: ResponseRequest, model: str) -> ResponseObject:
    """A response that holds nothing yet."""
    return ResponseObject(
        instructions=body.instructions,
        max_output_tokens=body.max_output_tokens,
        model=model,
        temperature=body.temperature,
        top_p=body.top_p,
        metadata=body.metadata or {},
        text={"format": body.text.format.model_dump(by_alias=True, exclude_none=True)}
        if body.text and body.text.format
        else {"format": {"type": "text"}},
    )


def ended(
    begun: ResponseObject, item: str, text: str, outcome: Outcome, superego: dict[str, Any] | None
) -> ResponseObject:
    """The same with its text. What was withheld is `incomplete`, by a content filter."""
    reasons: dict[str, Incomplete] = {
        "length": Incomplete(reason="max_output_tokens"),
        "content_filter": Incomplete(reason="content_filter"),
    }
    why = reasons.get(outcome.finish_reason)
    state: State = "incomplete" if why else "completed"
    usage = usage_of([outcome])
    return begun.model_copy(
        update={
            "status": state,
            "incomplete_details": why,
            "output": [OutputMessage(id=item, status=state, content=[OutputText(text=text)])],
            "usage": ResponseUsage(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                total_tokens=usage.total_tokens,
            ),
            "superego": superego,
        }
    )


def dumped(response: ResponseObject) -> dict[str, Any]:
    return response.model_dump(exclude=set() if response.superego else {"superego"})

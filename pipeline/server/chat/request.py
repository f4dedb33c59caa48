"""What clients of OpenAI's chat completions send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from critics import ToolCall
from pipeline.drafting import Form
from pipeline.files.inputs import SourceIn
from pipeline.server import faults
from pipeline.server.wire.form import Schema, form_of
from pipeline.server.wire.incoming import MOST_TOKENS, ContentPart, In, Several, Text
from pipeline.server.wire.tools import OfferedTool, Returned, ToolChoice, calls_of


class ChatMessage(In):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Several[ContentPart] | None = None
    tool_calls: Annotated[Several[Returned], Field(max_length=128)] | None = None
    tool_call_id: str | None = None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return calls_of(self.tool_calls or ())


class ContextSource(SourceIn, In):
    """A source with its provenance: ours, for manifestos that check an answer against its sources."""

    text: Text


class StreamOptions(In):
    include_usage: bool | None = None


class ResponseFormat(In):
    type: str
    json_schema: Schema | None = None

    @property
    def form(self) -> Form | None:
        """Raises `ApiError` for one that is not to be had."""
        return form_of(self.type, self.json_schema, field="response_format", inside="response_format.json_schema")


class ChatRequest(In):
    model: Annotated[str, Field(description="`superego/<manifesto>`.")]
    messages: Annotated[Several[ChatMessage], Field(min_length=1, max_length=2048)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    stop: str | Annotated[Several[str], Field(max_length=16)] | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    user: str | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: Annotated[Several[OfferedTool], Field(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    function_call: Any = None
    logit_bias: dict[str, Any] | None = None
    modalities: Several[str] | None = None
    audio: Any = None
    context: Annotated[Several[ContextSource], Field(max_length=256)] | None = None


def refuse_unsupported(request: ChatRequest, *, choices: int) -> None:
    """Raise `ApiError` for what would be answered otherwise than was asked."""
    refused = {
        "logprobs": bool(request.logprobs or request.top_logprobs),
        "functions": bool(request.functions),
        "function_call": request.function_call not in (None, "none", "auto"),
        "logit_bias": bool(request.logit_bias),
        "audio": bool(request.audio),
        "modalities": request.modalities not in (None, [], ["text"]),
    }
    for field, wanted in refused.items():
        if wanted:
            instead = "offer `tools`" if field.startswith("function") else "leave it out"
            what = f"`{field}` is not supported here: {instead}"
            raise faults.ApiError(400, what, param=field, code="unsupported_parameter")
    if (request.n or 1) > choices:
        raise faults.ApiError(400, f"`n` is {choices} at most here", param="n", code="invalid_value")

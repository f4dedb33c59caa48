"""What clients of OpenAI's responses send, as far as it is text."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from critics import ToolCall
from pipeline.drafting import Form
from pipeline.server import faults
from pipeline.server.wire.form import Name, Schema, form_of
from pipeline.server.wire.incoming import MOST_TOKENS, ContentPart, In, Pairs, Several, Text


class InputItem(In):
    """A message; items of other types are refused."""

    type: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Text | Several[ContentPart] | None = None
    calls: ClassVar[tuple[ToolCall, ...]] = ()
    tool_call_id: ClassVar[None] = None


class TextFormat(In):
    type: str
    name: Name | None = None
    description: Text | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None

    @property
    def form(self) -> Form | None:
        """Raises `ApiError` for one that is not to be had."""
        schema = None
        if self.schema_ is not None:
            told = {"name": self.name or "answer", "description": self.description, "strict": self.strict}
            schema = Schema.model_validate({**told, "schema": self.schema_})
        return form_of(self.type, schema, field="text.format", inside="text.format")


class TextConfig(In):
    format: TextFormat | None = None


class ResponseRequest(In):
    model: Annotated[str, Field(description="`superego/<manifesto>`.")]
    input: Text | Annotated[Several[InputItem], Field(max_length=2048)]
    instructions: Text | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    text: TextConfig | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    background: bool | None = None
    metadata: Pairs | None = None


def refuse_unsupported(request: ResponseRequest) -> None:
    """Raise `ApiError` for what would be answered otherwise than was asked. Nothing is kept here between requests."""
    refused = {
        "previous_response_id": bool(request.previous_response_id),
        "conversation": bool(request.conversation),
        "prompt": bool(request.prompt),
        "background": bool(request.background),
        "tools": bool(request.tools),
        "tool_choice": request.tool_choice not in (None, "none", "auto"),
    }
    for field, wanted in refused.items():
        if wanted:
            what = f"`{field}` is not supported here: leave it out, and send the whole conversation as `input`"
            raise faults.ApiError(400, what, param=field, code="unsupported_parameter")
    for index, item in enumerate(request.input if not isinstance(request.input, str) else ()):
        if item.type not in (None, "message") or item.role is None:
            what = f"items of type {faults.told(item.type)} are not supported: only messages are"
            raise faults.ApiError(400, what, param=f"input.{index}", code="unsupported_value")

"""The request files of OpenAI's Batch interface: a line is `custom_id`, `method`, `url` and the request's `body`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from critics import Message
from pipeline.batch.reading.json_records import bad, parsed
from pipeline.batch.reading.lines import Line
from pipeline.batch.task import Given, Prompt
from pipeline.drafting import DraftOptions
from pipeline.drafting.asked_options import asked_options
from pipeline.errors import BadInput
from pipeline.files.inputs import SourceIn, first_fault, sources

_SEEDS = 0x7FFFFFFF
_HARMLESS: Mapping[str, tuple[object, ...]] = {
    "tools": (),
    "tool_choice": ("none", "auto"),
    "functions": (),
    "function_call": ("none", "auto"),
    "logprobs": (),
    "top_logprobs": (),
    "logit_bias": (),
    "audio": (),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
}
"""By key, the values that ask for nothing special, beside none. Any other is refused, because the request would be
answered otherwise than was asked: the server has tools and forms, a batch has neither."""


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Part(_In):
    type: Literal["text"]
    text: str


class _Turn(_In):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[_Part, ...]

    @property
    def message(self) -> Message:
        text = self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class _Body(_In):
    messages: Annotated[tuple[_Turn, ...], Field(min_length=1)]
    n: Literal[1] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    context: tuple[SourceIn, ...] | None = None
    """Sources with their provenance: ours, as on the server."""

    @property
    def options(self) -> DraftOptions:
        """Raises `BadInput`."""
        bounds = self.max_tokens, self.max_completion_tokens
        return asked_options(*bounds, stop=self.stop, temperature=self.temperature, top_p=self.top_p)


class _Request(_In):
    custom_id: Annotated[str, Field(min_length=1)]
    method: Literal["POST"] = "POST"
    url: Literal["/v1/chat/completions"] = "/v1/chat/completions"
    body: _Body


def is_request(value: object) -> bool:
    """Whether a first line's JSON is one of these."""
    return isinstance(value, Mapping) and "custom_id" in value and "body" in value


def openai_requests(lines: Iterable[Line]) -> Iterator[Given]:
    """Each line as a request to chat completions. The model that it names is not asked: it is the pipeline's."""
    for line in lines:
        value, why = parsed(line)
        yield bad(line.number, line.mark, why) if why else _given(line, value)


def _given(line: Line, value: Any) -> Given:
    try:
        request = _Request.model_validate(value)
    except ValidationError as exc:
        return bad(line.number, line.mark, first_fault(exc), value, "custom_id")
    if wanted := [key for key in _HARMLESS if (own := value["body"].get(key)) and own not in _HARMLESS[key]]:
        return bad(line.number, line.mark, f"`{wanted[0]}` is not supported here", value, "custom_id")
    body = request.body
    try:
        options = body.options
    except BadInput as exc:
        return bad(line.number, line.mark, f"body: {exc}", value, "custom_id")
    conversation = tuple(turn.message for turn in body.messages)
    seed = None if body.seed is None else body.seed & _SEEDS
    prompt = Prompt(conversation, sources(body.context or ()), options, seed)
    return Given(line.number, request.custom_id, line.mark, prompt)

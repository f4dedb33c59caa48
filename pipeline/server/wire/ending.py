"""How an answer ended and what it cost, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from pipeline.outcome import Outcome

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Usage(BaseModel):
    """What the generator read and wrote, for every attempt; the critics' tokens are in `superego`."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def finish_reason(outcome: Outcome) -> FinishReason:
    if outcome.status != "released":
        return "content_filter"
    if outcome.calls:
        return "tool_calls"
    given = outcome.given
    return "length" if given is not None and given.finish == "length" else "stop"


def usage_of(outcomes: Sequence[Outcome]) -> Usage:
    prompt = sum(outcome.cost.generator.prompt_tokens for outcome in outcomes)
    completion = sum(outcome.cost.generator.completion_tokens for outcome in outcomes)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)

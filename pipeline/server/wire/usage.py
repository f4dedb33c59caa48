"""What answers cost, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from pipeline.loop import Outcome


class Usage(BaseModel):
    """What the generator read and wrote, for every attempt; the critics' tokens are in `superego`."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def usage_of(outcomes: Sequence[Outcome]) -> Usage:
    prompt = sum(outcome.cost.generator.prompt_tokens for outcome in outcomes)
    completion = sum(outcome.cost.generator.completion_tokens for outcome in outcomes)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)

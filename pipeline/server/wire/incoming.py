"""What comes in, of whatever route. What is not known is ignored, as other compatible servers do."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

MOST_TOKENS = 1_000_000
MOST_PAIRS = 16
"""Of `metadata`, as OpenAI has it."""

T = TypeVar("T")

Several = Annotated[list[T], Field(fail_fast=True)]
"""A list of which only the first entry that is wrong is told: to collect a million faults would hold everybody up."""


def _mended(text: str) -> str:
    """Half an emoji, as JavaScript cuts them, is no text that could be sent on."""
    return text.encode("utf-8", "replace").decode()


Text = Annotated[str, AfterValidator(_mended)]
"""What somebody says, or may read. Elsewhere half a character is refused, since what is meant by it nobody knows."""


def _few(given: Any) -> Any:
    if isinstance(given, dict) and len(given) > MOST_PAIRS:
        raise PydanticCustomError("too_long", "{most} pairs are the most", {"most": MOST_PAIRS})
    return given


Pairs = Annotated[dict[str, str], BeforeValidator(_few)]


class In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _whole(cls, value: T) -> T:
        if _halved(value):
            raise PydanticCustomError("half_character", "half a character (a lone surrogate) is no text")
        return value


class ContentPart(In):
    """Text; images and sounds are refused, not overlooked."""

    type: str
    text: Text | None = None


def _halved(value: Any) -> bool:
    """Whether a string in it, or the name of a field, holds half a character. Models have looked at theirs."""
    try:
        json.dumps(value, ensure_ascii=False, default=lambda _: None).encode()
    except UnicodeEncodeError:
        return True
    except RecursionError:  # who reads it looks how deep it is
        return False
    return False

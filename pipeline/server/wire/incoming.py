"""What comes in, of whatever route. What is not known is ignored, as other compatible servers do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

MOST_TOKENS = 1_000_000


class In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class ContentPart(In):
    """Text; images and sounds are refused, not overlooked."""

    type: str
    text: str | None = None

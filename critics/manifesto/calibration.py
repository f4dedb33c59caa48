"""What a critic's probability is worth: a map from what it says to how often the rule then was broken."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from critics.manifesto.model import Model

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Platt(Model):
    """A line on the logit: the log odds become slope × log odds + intercept."""

    slope: Positive
    intercept: float = Field(allow_inf_nan=False)


class Calibration(Model):
    """One of three ways to correct a critic's probability; none of them ever turns an order round."""

    of: str | None = Field(None, min_length=1, description="Whose word it corrects; with another model it is left out.")
    temperature: Positive | None = Field(None, description="Divides the log odds: above 1 it makes a critic less sure.")
    platt: Platt | None = Field(None, description="A line on the log odds.")
    isotonic: tuple[tuple[Share, Share], ...] | None = Field(
        None, min_length=2, description="Points [said, true], both rising; straight lines between, level outside."
    )

    @model_validator(mode="after")
    def _one_that_rises(self) -> Calibration:
        if sum(way is not None for way in (self.temperature, self.platt, self.isotonic)) != 1:
            raise ValueError("give one of temperature, platt, isotonic")
        for (x, y), (next_x, next_y) in pairwise(self.isotonic or ()):
            if not (x < next_x and y <= next_y):
                raise ValueError(f"isotonic must rise: [{x}, {y}] stands before [{next_x}, {next_y}]")
        return self

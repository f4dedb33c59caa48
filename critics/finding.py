"""One critic's word on one rule."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, SupportsIndex

from critics.manifesto.schema import Rule

FindingOutcome = Literal["pass", "broken", "undecided"]


class Span(NamedTuple):
    """Characters `start` (inclusive) to `end` (exclusive) of the judged text as it was handed in."""

    start: int
    end: int


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by a model."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
        )

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Finding:
    """Probability in [0, 1] that `rule` is broken, or `None` for undecided.

    A probability that is no number, or outside [0, 1], is a fault of the critic, and becomes undecided: a critic can be
    wrong, but it cannot pass a draft by writing nonsense. `critique` says why in prose, `spans` say where, `mend` is
    what a deterministic critic would put in the spans' place. `raw` is what the critic said where `probability` was
    calibrated. Raises `TypeError` for what is of another type, which a panel makes undecided.
    """

    rule: str
    critic: str
    probability: float | None
    critique: str = ""
    spans: tuple[Span, ...] = ()
    mend: tuple[str, ...] = ()
    usage: Usage = Usage()
    raw: float | None = None
    in_part: bool = False
    """Whether something that was to be judged could not be: then the probability is worth something while it is a
    breach by the threshold of the moment, and says nothing by another."""
    doubtful: bool = False
    """Whether the critic does not trust its own word where that is low: then it does not settle a cascade."""
    unexplained: bool = False
    """Whether the critic failed to say why: asked again it may, so that this is not to be kept as its last word."""

    def __post_init__(self) -> None:
        if not isinstance(self.critique, str):
            raise TypeError(f"a finding's critique is words, not {self.critique!r}")
        # What numpy and torch call a number becomes Python's own: a record is JSON.
        object.__setattr__(self, "spans", tuple(map(_span, self.spans)))
        object.__setattr__(self, "mend", _texts(self.mend))
        for name, given in (("probability", self.probability), ("raw", self.raw)):
            if given is None:
                continue
            if math.isfinite(given) and 0.0 <= given <= 1.0:
                object.__setattr__(self, name, float(given))
            else:
                object.__setattr__(self, name, None)
                object.__setattr__(self, "probability", None)
                object.__setattr__(self, "critique", f"the critic gave {given!r}, which is no probability")

    def outcome(self, threshold: float) -> FindingOutcome:
        """`broken` from the rule's threshold upwards, `pass` below it."""
        if self.probability is None:
            return "undecided"
        return "broken" if self.probability >= threshold else "pass"


def _span(given: Iterable[SupportsIndex]) -> Span:
    try:
        return Span(*map(operator.index, given))
    except TypeError as exc:
        raise TypeError(f"a finding's span is where it begins and ends in the text, not {given!r}") from exc


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    texts = tuple(given)
    if isinstance(given, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"a finding's mend is a text for each span, not {given!r}")
    return texts


def undecided(rule: Rule, critic: str, why: str) -> Finding:
    """The finding that there is none, and why, on one line."""
    return Finding(rule.id, critic, None, " ".join(why.split())[:300])

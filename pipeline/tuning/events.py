"""What is told of a run through the prompts, as soon as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from critics import Judgement, Manifesto
from pipeline.loop import Outcome
from pipeline.tuning.edits import Edit
from pipeline.tuning.first_draft import Result
from pipeline.tuning.prompts import ProbePrompt

Known = Literal["kept", "judged", "drafted"]
"""What it took to know something: nothing but what is kept, a critic that asks a model, another draft."""

Doing = Literal["judging", "drafting", "revising"]


@dataclass(frozen=True)
class Began:
    """`edited` says what was edited, and is `None` the first time."""

    manifesto: Manifesto
    generator: str
    prompts: int
    edited: tuple[Edit, ...] | None = None


@dataclass(frozen=True)
class Working:
    """What is being done, for how many prompts."""

    doing: Doing
    prompts: int


@dataclass(frozen=True)
class Answered:
    """A prompt's answer, the first time. Prompts are numbered from 1."""

    number: int
    prompt: ProbePrompt
    result: Result


@dataclass(frozen=True)
class Difference:
    """What is otherwise than before with one prompt. `passed` is whether its answer passed before and does now; `None`
    while that is not known yet. `settled` says that nothing of this answer is still to be judged."""

    number: int
    prompt: ProbePrompt
    by: Known
    before: Result
    after: Result
    broken: tuple[Judgement, ...]
    mended: tuple[str, ...]
    undecided: tuple[Judgement, ...]
    passed: tuple[bool, bool | None]
    seconds: float
    settled: bool = True

    @property
    def rewritten(self) -> bool:
        return self.before.text != self.after.text


@dataclass(frozen=True)
class Looped:
    """What the whole loop comes to for a prompt, where that is new or otherwise than before."""

    number: int
    prompt: ProbePrompt
    before: Outcome | None
    after: Outcome
    seconds: float


@dataclass(frozen=True)
class Rate:
    """How many pass, of how many."""

    passed: int
    of: int


@dataclass(frozen=True)
class Spent:
    """Questions that went to a model: drafts begun, and rules that a critic was asked about."""

    drafts: int = 0
    judgements: int = 0


@dataclass(frozen=True)
class Ended:
    """`before` and `released_before` are `None` the first time. The loop's figures are there where it was run. `turned`
    are prompts with another answer than before that passes and the one before did not, and those of the other way
    round."""

    before: Rate | None
    after: Rate
    released_before: Rate | None
    released: Rate | None
    turned: tuple[int, int]
    differences: int
    faulted: int
    seconds: float
    first_seconds: float | None
    """From the beginning to the first difference."""
    spent: Spent
    results: Sequence[Result]


@dataclass(frozen=True)
class Unusable:
    """A save that cannot be used, and why, a line a fault; what was good before goes on."""

    why: str


Event = Began | Working | Answered | Difference | Looped | Ended | Unusable

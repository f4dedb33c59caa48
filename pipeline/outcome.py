"""What the loop returns: everything that is needed to explain afterwards what happened and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critics import Finding, Manifesto, Usage, Verdict
from pipeline.errors import PipelineError
from pipeline.generator import Finish

Status = Literal["released", "withheld", "faulted"]
StopReason = Literal["passed", "input", "undecided", "repeated", "stalled", "attempts", "tokens", "seconds", "fault"]


@dataclass(frozen=True)
class Attempt:
    """A draft and its verdict. `draft` is what was written, `text` what was judged and may be released: the draft
    without invisible characters, and with `redactions` mended in place."""

    number: int
    seed: int
    draft: str
    text: str
    verdict: Verdict
    usage: Usage
    seconds: float
    finish: Finish | None = None
    continued_from: int = 0
    """Characters kept from the attempt before."""
    redactions: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Cost:
    """Tokens by role, and wall-clock seconds."""

    generator: Usage
    critic: Usage
    seconds: float


class Withheld(PipelineError):
    """No answer was released. `outcome` holds what happened."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(
            f"no answer: {outcome.status}, {outcome.stop_reason}" + (outcome.fault and f": {outcome.fault}")
        )
        self.outcome = outcome


@dataclass(frozen=True)
class Outcome:
    """`answer` is the released text, the manifesto's refusal where it is withheld, or `None` where the manifesto wants
    an error and where the generator failed; it is never empty. `input_verdict` is on the user's turn, where rules
    apply to it."""

    status: Status
    stop_reason: StopReason
    answer: str | None
    manifesto: Manifesto
    attempts: tuple[Attempt, ...]
    cost: Cost
    generator: str
    seed: int
    input_verdict: Verdict | None = None
    fault: str = ""
    retryable: bool = False
    """Whether asking again later may help against the fault."""

    def released(self) -> str:
        """The released answer. Raises `Withheld` where there is none."""
        if self.status != "released" or self.answer is None:
            raise Withheld(self)
        return self.answer

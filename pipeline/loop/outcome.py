"""What the loop returns: everything that is needed to explain afterwards what happened and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from critics import Finding, Judgement, Manifesto, Span, ToolCall, Usage, Verdict
from pipeline.drafting import Finish
from pipeline.errors import ModelFault, PipelineError
from pipeline.loop.blame import blamed
from pipeline.loop.emptiness import EMPTY
from pipeline.structured import WELL_FORMED

Status = Literal["released", "withheld", "faulted"]
StopReason = Literal[
    "passed",
    "input",
    "undecided",
    "repeated",
    "stalled",
    "shown",
    "attempts",
    "tokens",
    "seconds",
    "cancelled",
    "fault",
]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
STOPS: Mapping[StopReason, str] = {
    "passed": "a draft passed",
    "input": "the prompt itself breaks a rule",
    "undecided": "a rule could not be judged",
    "repeated": "the same draft came again",
    "stalled": "the same fault was found again",
    "shown": "what had been shown could not be gone on with",
    "attempts": "no attempts are left",
    "tokens": "no tokens are left",
    "seconds": "no time is left",
    "cancelled": "nobody waited for it any more",
    "fault": "the model failed",
}
"""Why the loop ended, in words."""


@dataclass(frozen=True)
class Attempt:
    """A draft and its verdict. `draft` is what was written, `text` what was judged and may be released: the draft
    without invisible characters, and with `redactions` mended in place. One whose `finish` is `vetoed` or `stopped` was
    stopped while it was written, and ends with the part that did not pass.

    What is released beside the text are its `calls`. With them, and where the text is JSON, critics were given what it
    says, which is `judged`."""

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
    calls: tuple[ToolCall, ...] = ()
    read: str | None = None

    @property
    def judged(self) -> str:
        """The text that findings have their places in."""
        return self.text if self.read is None else self.read


@dataclass(frozen=True)
class Cost:
    """Tokens by role, and wall-clock seconds."""

    generator: Usage
    critic: Usage
    seconds: float


class Withheld(PipelineError):
    """No answer was released. `outcome` holds what happened."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"no answer: {outcome.why}")
        self.outcome = outcome


@dataclass(frozen=True)
class Outcome:
    """`answer` is the released text, the manifesto's refusal where it is withheld, or `None` where the manifesto wants
    an error and where the generator failed; it is empty only where all of what was released is `calls` of tools.
    `inputs` are the verdicts on what was asked, in order. `shown` is what had been shown of an answer that was not
    released in the end."""

    status: Status
    stop_reason: StopReason
    answer: str | None
    manifesto: Manifesto
    attempts: tuple[Attempt, ...]
    cost: Cost
    generator: str
    seed: int
    inputs: tuple[Verdict, ...] = ()
    fault: str = ""
    retryable: bool = False
    """Whether asking again later may help against the fault."""
    cause: ModelFault | None = None
    """The fault itself."""
    shown: str = ""
    calls: tuple[ToolCall, ...] = ()

    @property
    def input_verdict(self) -> Verdict | None:
        """On the user's turn, where rules apply to it, or on what before it did not pass."""
        return self.inputs[-1] if self.inputs else None

    @property
    def given(self) -> Attempt | None:
        """The attempt that became the answer."""
        fit = (a for a in reversed(self.attempts) if (a.text, a.calls) == (self.answer, self.calls))
        return next(fit, None) if self.status == "released" else None

    @property
    def why(self) -> str:
        """How it ended, in a line: of what was not released also which rules broke, or could not be judged."""
        ended = f"{self.status}, {STOPS[self.stop_reason]}"
        if self.status == "released":
            return ended
        if self.attempts:
            last, drafts = self.attempts[-1].verdict, len(self.attempts)
            blame = blamed(last, self.manifesto, "the draft" if drafts == 1 else f"the last of {drafts} drafts")
        else:
            blame = blamed(self.input_verdict, self.manifesto, "the prompt") if self.input_verdict else ""
        return "; ".join(filter(None, (ended, self.fault, blame)))

    @property
    def score(self) -> float | None:
        """Of the attempt that became the answer, or else of the last one."""
        attempt = self.given or (self.attempts[-1] if self.attempts else None)
        return attempt.verdict.score if attempt else None

    @property
    def finish_reason(self) -> FinishReason:
        """Why the answer ended, in OpenAI's words."""
        return finish_reason(self.status, self.given.finish if self.given else None, calls=bool(self.calls))

    def released(self) -> str:
        """The released answer. Raises `Withheld` where there is none."""
        if self.status != "released" or self.answer is None:
            raise Withheld(self)
        return self.answer


def finish_reason(status: Status, finish: str | None, *, calls: bool = False) -> FinishReason:
    """Why an answer ended, in OpenAI's words. `finish` is that of the attempt that became it."""
    if status != "released":
        return "content_filter"
    if calls:
        return "tool_calls"
    return "length" if finish == "length" else "stop"


def standstill(attempts: Sequence[Attempt]) -> StopReason | None:
    """A draft that was there before, or the same complaint of the same passage: more of the same would not help."""
    if len(attempts) < 2:
        return None
    *earlier, last = attempts
    if any(attempt.judged.strip() == last.judged.strip() for attempt in earlier):
        return "repeated"
    if _complaints(earlier[-1]) == _complaints(last) != ():
        return "stalled"
    return None


def best(attempts: Sequence[Attempt], manifesto: Manifesto) -> Attempt | None:
    """The attempt with the highest score among those that may be released: the later one where two are equal."""
    fit = [attempt for attempt in attempts if _may_be_best(attempt, manifesto)]
    return max(fit, key=lambda attempt: (attempt.verdict.score or 0.0, attempt.number), default=None)


_UNSPOKEN = (EMPTY, WELL_FORMED)


def _complaints(attempt: Attempt) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((j.rule.id, j.critique, _faulted(j, attempt.judged)) for j in attempt.verdict.broken)


def _faulted(judgement: Judgement, text: str) -> tuple[str, ...]:
    """The passages that are complained of: those that a finding points at, or all of the text. Many critics say the
    same of whatever they find harmful, so that their words alone tell nothing."""
    spans = (span for finding in judgement.decisive for span in finding.spans or (Span(0, len(text)),))
    return tuple(text[slice(*span)] for span in spans)


def _may_be_best(attempt: Attempt, manifesto: Manifesto) -> bool:
    """No veto, nothing unmended, nothing undecided, nothing empty: what is left broke rules that only ask to revise."""
    verdict = attempt.verdict
    unknown = [j.rule for j in verdict.of("undecided") if j.rule.action != "flag"]
    return (
        verdict.outcome == "revise"
        and all(j.rule.action == "revise" and j.rule not in _UNSPOKEN for j in verdict.broken)
        and all(manifesto.undecided_policy(rule) == "release" for rule in unknown)
    )

"""A first draft, whole, and what a manifesto says of it.

A veto does not stop it while it is written: what another edit will make of the draft hangs on all of it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from critics import Budget, Exchange, FindingOutcome, Judgement, Verdict, visible
from pipeline.drafting import Finish
from pipeline.loop import Draft, Judging, Ledger, first_request, redacted
from pipeline.pipeline import Pipeline
from pipeline.tuning.prompts import ProbePrompt

_UNBOUNDED = Budget(tokens=None, seconds=None)
"""What a manifesto allows is for the whole loop; a critic's own limit holds all the same."""


@dataclass(frozen=True)
class Written:
    """A draft as the generator wrote it."""

    text: str
    finish: Finish | None = None


@dataclass(frozen=True)
class Result:
    """A draft and what was found. `text` is what was judged, mended where a rule says so; `asked` is the verdict on the
    prompt, where rules apply to that. With a `fault` there is no draft."""

    written: Written
    text: str
    verdict: Verdict
    asked: Verdict | None = None
    fault: str = ""

    @property
    def passed(self) -> bool:
        prompted = self.asked is None or self.asked.outcome == "pass"
        return prompted and not self.fault and self.verdict.outcome == "pass"

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        return (*(self.asked.judgements if self.asked else ()), *self.verdict.judgements)

    @property
    def outcomes(self) -> Mapping[str, FindingOutcome]:
        """What came of each rule, by its id."""
        return {judgement.rule.id: judgement.outcome for judgement in self.judgements}

    @property
    def open(self) -> tuple[Judgement, ...]:
        """What is undecided."""
        return tuple(judgement for judgement in self.judgements if judgement.outcome == "undecided")

    @property
    def refused(self) -> bool:
        """Whether it cannot pass any more, whatever comes of what is undecided."""
        return bool(self.fault or self.verdict.broken or (self.asked and self.asked.broken))


def faulted(why: str) -> Result:
    """What there is where the model failed."""
    return Result(Written(""), "", Verdict("undecided", None, None), fault=why)


def written_by(pipeline: Pipeline, prompt: ProbePrompt, seed: int, stop: threading.Event) -> Written:
    """The first draft for a prompt; once `stop` is set, its beginning. Raises `ModelFault`."""
    assert pipeline.generator is not None
    request = replace(first_request(prompt.conversation, prompt.sources, seed), stop=stop)
    text, finish = "", None
    with closing(pipeline.generator(request)) as pieces:
        for piece in pieces:
            text += piece.text
            finish = piece.finish or finish
            if stop.is_set():
                break
    return Written(text, finish)


def judged_by(pipeline: Pipeline, prompt: ProbePrompt, written: Written, stop: threading.Event) -> Result:
    """The draft, mended and judged as the loop would; once `stop` is set, what is undecided says nothing."""
    exchange = Exchange(prompt.conversation, None, prompt.sources)
    manifesto = pipeline.manifesto
    judging = Judging(pipeline.critic, manifesto, exchange, Ledger(_UNBOUNDED, stop=stop))
    asked = judging.of_input(exchange) if manifesto.rules_for("input") else None
    seen = visible(written.text)
    text, redactions = redacted(seen, judging.mends(seen)) or (seen, ())
    verdict = judging.of_draft(Draft(written.text, text, redactions, written.finish))
    return Result(written, text, verdict, asked)

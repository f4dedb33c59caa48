"""What somebody was told of each prompt last, and so what is a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from critics import FindingOutcome
from pipeline.loop import EMPTY, Outcome
from pipeline.tuning.events import Difference, Known, Rate
from pipeline.tuning.first_draft import Result
from pipeline.tuning.prompts import ProbePrompt


@dataclass(frozen=True)
class Shown:
    """The last word on a prompt. Of an answer that is judged in part, `told` keeps what was said of the other rules."""

    result: Result
    told: Mapping[str, FindingOutcome]
    passed: bool
    looped: Outcome | None = None

    @classmethod
    def of(cls, result: Result, looped: Outcome | None = None) -> Shown:
        return cls(result, result.outcomes, result.passed, looped)

    @property
    def faulted(self) -> bool:
        """Whether the model failed, for the first draft or behind it."""
        return bool(self.result.fault) or (self.looped is not None and self.looped.status == "faulted")

    def then(self, result: Result, *, settled: bool) -> Shown:
        """As it is once the result was told."""
        if settled:
            return Shown.of(result, self.looped)
        open_ = {judgement.rule.id for judgement in result.open}
        told = {
            rule: self.told.get(rule, "undecided") if rule in open_ else outcome
            for rule, outcome in result.outcomes.items()
            if rule not in open_ or rule in self.told
        }
        passed = _passed(result, settled=False)
        return Shown(result, told, self.passed if passed is None else passed, self.looped)


def difference(
    number: int, prompt: ProbePrompt, by: Known, shown: Shown, result: Result, *, settled: bool, seconds: float
) -> Difference | None:
    """What a result says that was not told yet; `None` where that is nothing."""
    new = [j for j in result.judgements if shown.told.get(j.rule.id) != j.outcome]
    found = Difference(
        number=number,
        prompt=prompt,
        by=by,
        before=shown.result,
        after=result,
        broken=tuple(j for j in new if j.outcome == "broken"),
        mended=tuple(rule for rule, outcome in shown.told.items() if outcome != "pass" and _holds(rule, result)),
        undecided=tuple(j for j in new if j.outcome == "undecided") if settled else (),
        passed=(shown.passed, _passed(result, settled=settled)),
        seconds=seconds,
        settled=settled,
    )
    turned = found.passed[1] is not None and found.passed[0] != found.passed[1]
    told = found.broken or found.mended or found.undecided or found.rewritten or turned
    return found if told or result.fault != shown.result.fault else None


def rate(shown: Mapping[ProbePrompt, Shown]) -> Rate:
    return Rate(sum(one.passed for one in shown.values()), len(shown))


def released(shown: Mapping[ProbePrompt, Shown]) -> Rate | None:
    """By the loop, where it was run."""
    looped = [one.looped for one in shown.values() if one.looped]
    return Rate(sum(outcome.status == "released" for outcome in looped), len(looped)) if looped else None


def looped_otherwise(before: Outcome | None, after: Outcome) -> bool:
    """Whether the loop ends otherwise: released or not, with another answer, or after another number of drafts."""
    if before is None:
        return True
    told = [(o.status, o.answer, o.fault, len(o.attempts)) for o in (before, after)]
    return told[0] != told[1]


def _holds(rule: str, result: Result) -> bool:
    """Whether a rule is kept, or is not there any more. Where there is nothing to judge, none is."""
    outcomes = result.outcomes
    judged = not result.fault and EMPTY.id not in outcomes
    return outcomes.get(rule, "pass" if judged else "undecided") == "pass"


def _passed(result: Result, *, settled: bool) -> bool | None:
    if settled or not result.open:
        return result.passed
    return False if result.refused else None

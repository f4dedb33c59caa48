"""Runs in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from critics import Judgement
from pipeline.loop import STOPS, Outcome
from pipeline.rounding import number, share
from pipeline.tuning import Ended, Rate, Result, Spent

_CHANCE = 0.05
"""Of so uneven a split between equals (McNemar's exact test, two-sided): above it, it tells nothing."""


def ended(told: Ended) -> str:
    """What a run came to: how many pass, before and now, what it took, and how long."""
    parts = [f"pass rate {_rates(told.before, told.after)}{_by_chance(told)}"]
    if told.released:
        parts.append(f"released {_rates(told.released_before, told.released)}")
    return "; ".join([*parts, spent(told.spent), seconds(told)])


def _by_chance(told: Ended) -> str:
    """That drafts which are merely others may well have turned as many: of few prompts, nearly any difference is so.
    Empty where the same drafts were judged otherwise as well."""
    gained = told.after.passed - told.before.passed if told.before else 0
    if not gained or gained != told.turned[0] - told.turned[1]:
        return ""
    more, all_ = max(told.turned), sum(told.turned)
    p = min(1.0, 2 * sum(math.comb(all_, k) for k in range(more, all_ + 1)) / 2**all_)
    return f", within chance (p = {p:.2g}): give more --prompts" if p > _CHANCE else ""


def spent(told: Spent) -> str:
    """What models were asked."""
    if not (told.drafts or told.judgements):
        return "no model asked"
    parts = counted(told.drafts, "draft"), counted(told.judgements, "question")
    return ", ".join(part for part in parts if not part.startswith("0 "))


def seconds(told: Ended) -> str:
    if told.first_seconds is None:
        return f"{told.seconds:.1f} s"
    first, whole = f"{told.first_seconds:.1f} s", f"{told.seconds:.1f} s"
    return f"first difference {first}" + (f", all {whole}" if whole != first else "")


def looped(outcome: Outcome) -> str:
    """What the loop came to, and why."""
    why = f"{STOPS[outcome.stop_reason]}, {outcome.fault}" if outcome.fault else STOPS[outcome.stop_reason]
    return f"by the loop {outcome.status} after {counted(len(outcome.attempts), 'draft')}: {why}"


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def why(judgement: Judgement) -> str:
    """The rule, and why it is broken or undecided."""
    flag = " (flag)" if judgement.rule.action == "flag" and judgement.outcome == "broken" else ""
    critique = " ".join(judgement.critique.split())
    p = judgement.probability
    sure = f" {number(p, digits=2)} (broken from {judgement.rule.threshold:g})" if p is not None and 0 < p < 1 else ""
    return f"{judgement.rule.id}{flag}{sure}" + (f": {critique}" if critique else "")


def spread(rule: str, results: Iterable[Result]) -> list[str]:
    """How near to breaking a rule answers come that all keep it or all break it; nothing where that is yes or no."""
    found = [(j.probability, j.rule.threshold) for r in results for j in r.judgements if j.rule.id == rule]
    sure = [probability for probability, _ in found if probability is not None]
    if all(probability in (0, 1) for probability in sure):
        return []
    low, high = number(min(sure), digits=2), number(max(sure), digits=2)
    return [f"{rule}: {low} to {high} on these answers (broken from {found[0][1]:g})"]


def shortfall(result: Result) -> str:
    """Why an answer does not pass of which no rule is broken and none undecided."""
    if result.passed or result.fault or result.refused or result.open or result.verdict.score is None:
        return ""
    return f"the score of {result.verdict.score:.2f} is too low"


def _rates(before: Rate | None, after: Rate) -> str:
    was = "" if before is None or before == after else f"{_share(before)} → "
    return f"{was}{_share(after)} ({after.passed} of {after.of})"


def _share(rate: Rate) -> str:
    return share(rate.passed, rate.of)

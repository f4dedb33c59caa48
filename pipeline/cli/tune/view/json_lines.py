"""What is told, as JSON lines on standard output."""

from __future__ import annotations

import json
from typing import Any

from pipeline.files.records import manifesto_record, verdict_record
from pipeline.loop import Outcome
from pipeline.tuning import Answered, Began, Difference, Ended, Event, Looped, Rate, Result, Unusable, Working


class JsonLines:
    """`event` is `began`, `answer`, `difference`, `loop`, `ended` or `unusable`; the keys are in docs/manifestos.md."""

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Working):
            print(json.dumps(_record(event)), flush=True)


def _record(event: Began | Answered | Difference | Looped | Ended | Unusable) -> dict[str, Any]:
    match event:
        case Began(manifesto, generator, prompts, edited):
            told = manifesto_record(manifesto)
            said = None if edited is None else list(map(str, edited))
            return {"event": "began", "manifesto": told, "generator": generator, "prompts": prompts, "edited": said}
        case Answered(number, prompt, result):
            return {"event": "answer", "prompt": number, "text": prompt.text, **_result(result)}
        case Difference():
            return _difference(event)
        case Looped(number, prompt, before, after, seconds):
            was = before and _looped(before)
            return {
                "event": "loop", "prompt": number, "text": prompt.text, "before": was, "after": _looped(after),
                "seconds": round(seconds, 3),
            }  # fmt: skip
        case Ended():
            return _ended(event)
        case Unusable(why):
            return {"event": "unusable", "faults": why.splitlines()}


def _result(result: Result) -> dict[str, Any]:
    return {
        "answer": None if result.fault else result.text,
        "passed": result.passed,
        "finish": result.written.finish,
        "fault": result.fault,
        "input_verdict": verdict_record(result.asked) if result.asked else None,
        "verdict": verdict_record(result.verdict),
    }


def _difference(told: Difference) -> dict[str, Any]:
    return {
        "event": "difference",
        "prompt": told.number,
        "text": told.prompt.text,
        "by": told.by,
        "broken": [judgement.rule.id for judgement in told.broken],
        "mended": list(told.mended),
        "undecided": [judgement.rule.id for judgement in told.undecided],
        "passed": {"before": told.passed[0], "after": told.passed[1]},
        "answer": {"before": told.before.text, "after": told.after.text} if told.rewritten else None,
        "fault": told.after.fault,
        "seconds": round(told.seconds, 3),
        "verdict": verdict_record(told.after.verdict),
    }


def _looped(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status, "stop_reason": outcome.stop_reason, "answer": outcome.answer,
        "attempts": len(outcome.attempts), "fault": outcome.fault,
    }  # fmt: skip


def _ended(told: Ended) -> dict[str, Any]:
    return {
        "event": "ended",
        "passed": {"before": _rate(told.before), "after": _rate(told.after)},
        "turned": {"passing": told.turned[0], "failing": told.turned[1]},
        "released": {"before": _rate(told.released_before), "after": _rate(told.released)},
        "differences": told.differences,
        "faulted": told.faulted,
        "drafts": told.spent.drafts,
        "judgements": told.spent.judgements,
        "first_difference_seconds": None if told.first_seconds is None else round(told.first_seconds, 3),
        "seconds": round(told.seconds, 3),
    }


def _rate(rate: Rate | None) -> dict[str, int] | None:
    return None if rate is None else {"passed": rate.passed, "of": rate.of}

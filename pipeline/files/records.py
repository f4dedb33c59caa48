"""Outcomes and verdicts as JSON records, to the command line's contract (docs/cli.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from critics import Finding, FindingOutcome, Judgement, Manifesto, ToolCall, Usage, Verdict, VerdictOutcome
from pipeline.loop import Attempt, Outcome, Status, StopReason


class FindingRecord(TypedDict):
    rule: str
    critic: str
    outcome: FindingOutcome
    probability: float | None
    raw: NotRequired[float]
    """What the critic itself said, where `probability` is calibrated."""
    critique: str
    span: list[int] | None
    """Start and end of the first offending place, in characters; all of them are in `spans`."""
    spans: list[list[int]]


class VerdictRecord(TypedDict):
    outcome: VerdictOutcome
    score: float | None
    breach: float | None
    disagreement: dict[str, float]
    """Of each rule whose critics lie far apart: how far."""
    rules: dict[str, FindingOutcome]
    """What came of each rule, which need not be what one of its critics found."""
    findings: list[FindingRecord]


class AttemptRecord(TypedDict):
    draft: str
    text: str
    seed: int
    finish: str | None
    continued_from: int
    redactions: int
    calls: NotRequired[list[CallRecord]]
    judged: NotRequired[str]
    """What critics were given, where that is not the text: what calls and JSON say."""
    seconds: float
    usage: UsageRecord
    verdict: VerdictRecord


class CallRecord(TypedDict):
    name: str
    arguments: str


class UsageRecord(TypedDict):
    prompt_tokens: int
    completion_tokens: int


class CostRecord(TypedDict):
    generator: UsageRecord
    critic: UsageRecord
    seconds: float


class ManifestoRecord(TypedDict):
    name: str
    version: str
    hash: str


class OutcomeRecord(TypedDict):
    status: Status
    stop_reason: StopReason
    answer: str | None
    shown: NotRequired[str]
    """What had been shown of an answer that was not released."""
    calls: NotRequired[list[CallRecord]]
    """What the answer calls."""
    fault: str
    manifesto: ManifestoRecord
    generator: str
    seed: int
    input_verdict: VerdictRecord | None
    attempts: list[AttemptRecord]
    usage: CostRecord


def outcome_record(outcome: Outcome) -> OutcomeRecord:
    """An outcome with every attempt."""
    record: OutcomeRecord = {
        "status": outcome.status,
        "stop_reason": outcome.stop_reason,
        "answer": outcome.answer,
        "fault": outcome.fault,
        "manifesto": manifesto_record(outcome.manifesto),
        "generator": outcome.generator,
        "seed": outcome.seed,
        "input_verdict": verdict_record(outcome.input_verdict) if outcome.input_verdict else None,
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
        "usage": {
            "generator": _usage(outcome.cost.generator),
            "critic": _usage(outcome.cost.critic),
            "seconds": round(outcome.cost.seconds, 3),
        },
    }
    if outcome.shown:
        record["shown"] = outcome.shown
    if outcome.calls:
        record["calls"] = _calls(outcome.calls)
    return record


def unasked_record(fault: str, *, manifesto: Manifesto, generator: str, seed: int) -> OutcomeRecord:
    """As an outcome, for what never came to be asked."""
    nothing: UsageRecord = {"prompt_tokens": 0, "completion_tokens": 0}
    return {
        "status": "faulted",
        "stop_reason": "fault",
        "answer": None,
        "fault": fault,
        "manifesto": manifesto_record(manifesto),
        "generator": generator,
        "seed": seed,
        "input_verdict": None,
        "attempts": [],
        "usage": {"generator": nothing, "critic": nothing, "seconds": 0.0},
    }


def manifesto_record(manifesto: Manifesto) -> ManifestoRecord:
    """Which manifesto it was."""
    return {"name": manifesto.name, "version": manifesto.version, "hash": manifesto.hash}


def verdict_record(verdict: Verdict) -> VerdictRecord:
    """A verdict with every finding, and the rules on which critics disagree."""
    return {
        "outcome": verdict.outcome,
        "score": verdict.score,
        "breach": verdict.breach,
        "disagreement": {j.rule.id: j.disagreement for j in verdict.judgements if j.disagreement is not None},
        "rules": {j.rule.id: j.outcome for j in verdict.judgements},
        "findings": [
            _finding(judgement, finding) for judgement in verdict.judgements for finding in judgement.findings
        ],
    }


def _finding(judgement: Judgement, finding: Finding) -> FindingRecord:
    spans = [list(span) for span in finding.spans]
    record: FindingRecord = {
        "rule": finding.rule,
        "critic": finding.critic,
        "outcome": finding.outcome(judgement.rule.threshold),
        "probability": finding.probability,
        "critique": finding.critique,
        "span": spans[0] if spans else None,
        "spans": spans,
    }
    if finding.raw is not None:
        record["raw"] = finding.raw
    return record


def _calls(calls: Sequence[ToolCall]) -> list[CallRecord]:
    return [{"name": call.name, "arguments": call.arguments} for call in calls]


def _attempt(attempt: Attempt) -> AttemptRecord:
    record: AttemptRecord = {
        "draft": attempt.draft,
        "text": attempt.text,
        "seed": attempt.seed,
        "finish": attempt.finish,
        "continued_from": attempt.continued_from,
        "redactions": sum(len(finding.spans) for finding in attempt.redactions),
        "seconds": round(attempt.seconds, 3),
        "usage": _usage(attempt.usage),
        "verdict": verdict_record(attempt.verdict),
    }
    if attempt.calls:
        record["calls"] = _calls(attempt.calls)
    if attempt.read is not None:
        record["judged"] = attempt.read
    return record


def _usage(usage: Usage) -> UsageRecord:
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}

"""What a response says of how it came about: the `superego` object, and headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critics import Manifesto, Verdict
from pipeline.files.records import manifesto_record
from pipeline.loop import Outcome
from pipeline.server.options import Tell


def told(outcomes: Sequence[Outcome], tell: Tell) -> dict[str, Any] | None:
    """One object a request; with several answers, of the first one, and of each under `choices`."""
    if tell == "off" or not outcomes:
        return None
    first, *others = [_told(outcome, tell) for outcome in outcomes]
    return {**first, "choices": [first, *others]} if others else first


def headers(manifesto: Manifesto, tell: Tell, outcomes: Sequence[Outcome] = ()) -> dict[str, str]:
    """The same in short. A stream's head is sent before anything is known but the manifesto."""
    if tell == "off":
        return {}
    named = {"x-superego-manifesto": manifesto.name, "x-superego-manifesto-hash": manifesto.hash}
    if not outcomes:
        return named
    outcome = outcomes[0]
    named["x-superego-status"] = outcome.status
    if tell == "full":
        named["x-superego-attempts"] = str(len(outcome.attempts))
        named["x-superego-stop-reason"] = outcome.stop_reason
        if outcome.score is not None:
            named["x-superego-score"] = f"{outcome.score:.4f}"
    return named


def _told(outcome: Outcome, tell: Tell) -> dict[str, Any]:
    named = manifesto_record(outcome.manifesto)
    if tell == "reduced":
        return {"status": outcome.status, "manifesto": named}
    critic = outcome.cost.critic
    return {
        "status": outcome.status,
        "stop_reason": outcome.stop_reason,
        "manifesto": named,
        "attempts": len(outcome.attempts),
        "score": outcome.score,
        "broken": [_broken(attempt.verdict) for attempt in outcome.attempts],
        "input": list(dict.fromkeys(rule for v in outcome.inputs for rule in _broken(v))) if outcome.inputs else None,
        "critic_usage": {"prompt_tokens": critic.prompt_tokens, "completion_tokens": critic.completion_tokens},
        "seed": outcome.seed,
        "seconds": round(outcome.cost.seconds, 3),
    }


def _broken(verdict: Verdict) -> list[str]:
    return [judgement.rule.id for judgement in (*verdict.of("broken"), *verdict.of("undecided"))]

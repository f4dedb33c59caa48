"""The loop, and all that one call of it needs: what is judged when, what is shown, and what came of it."""

from pipeline.loop.answer import Answer
from pipeline.loop.emptiness import EMPTY, verdict_on_empty
from pipeline.loop.judging import Judging, decided
from pipeline.loop.ledger import Clock, Ledger
from pipeline.loop.loop import Loop, Observer
from pipeline.loop.outcome import (
    STOPS,
    Attempt,
    Cost,
    FinishReason,
    Outcome,
    Status,
    StopReason,
    Withheld,
    finish_reason,
)
from pipeline.loop.redaction import Draft, asked_for, redacted
from pipeline.loop.revision import first_request
from pipeline.loop.screening import Passed, last_turn

__all__ = [
    "EMPTY",
    "STOPS",
    "Answer",
    "Attempt",
    "Clock",
    "Cost",
    "Draft",
    "FinishReason",
    "Judging",
    "Ledger",
    "Loop",
    "Observer",
    "Outcome",
    "Passed",
    "Status",
    "StopReason",
    "Withheld",
    "asked_for",
    "decided",
    "finish_reason",
    "first_request",
    "last_turn",
    "redacted",
    "verdict_on_empty",
]

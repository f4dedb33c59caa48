"""The quick loop of who writes a manifesto: a few prompts, and what each save changes about their answers."""

from pipeline.tuning.edits import Edit
from pipeline.tuning.events import (
    Answered,
    Began,
    Difference,
    Ended,
    Event,
    Looped,
    Rate,
    Spent,
    Unusable,
    Working,
)
from pipeline.tuning.first_draft import Result
from pipeline.tuning.prompts import ProbePrompt, distinct, prompts_of
from pipeline.tuning.run import Made
from pipeline.tuning.saves import POLL, Look, Saves
from pipeline.tuning.side_by_side import THREAD
from pipeline.tuning.tuner import Tuner

__all__ = [
    "POLL",
    "THREAD",
    "Answered",
    "Began",
    "Difference",
    "Edit",
    "Ended",
    "Event",
    "Look",
    "Looped",
    "Made",
    "ProbePrompt",
    "Rate",
    "Result",
    "Saves",
    "Spent",
    "Tuner",
    "Unusable",
    "Working",
    "distinct",
    "prompts_of",
]

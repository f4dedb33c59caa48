"""What of a draft is not prose: calls of tools, and answers in JSON. They are judged by what they say."""

from pipeline.spelling import DEEPEST, leaves, measured, parsed, said_by, spelled, written
from pipeline.structured.heard import has_tools, heard
from pipeline.structured.shaped import shaped
from pipeline.structured.wellformed import WELL_FORMED, verdict_on_form

__all__ = [
    "DEEPEST",
    "WELL_FORMED",
    "has_tools",
    "heard",
    "leaves",
    "measured",
    "parsed",
    "said_by",
    "shaped",
    "spelled",
    "verdict_on_form",
    "written",
]

"""The upper room: drafts, the loop, engines and edges."""

from pipeline.assembly import assemble, load
from pipeline.drafting import DraftOptions, DraftRequest, Form, Generator, Piece, Pieces, ScriptedGenerator, Tool, Tools
from pipeline.errors import (
    BadInput,
    ContextOverflow,
    ModelFault,
    ModelMissing,
    ModelRefused,
    ModelUnable,
    ModelUnavailable,
    ModelUnusable,
    OutputFault,
    PipelineError,
    SettingsError,
)
from pipeline.loop import Answer, Attempt, Cost, Loop, Observer, Outcome, Passed, Withheld
from pipeline.pipeline import Pipeline
from pipeline.rim import AsyncAnswer
from pipeline.settings import Settings, load_settings

__all__ = [
    "Answer",
    "AsyncAnswer",
    "Attempt",
    "BadInput",
    "ContextOverflow",
    "Cost",
    "DraftOptions",
    "DraftRequest",
    "Form",
    "Generator",
    "Loop",
    "ModelFault",
    "ModelMissing",
    "ModelRefused",
    "ModelUnable",
    "ModelUnavailable",
    "ModelUnusable",
    "Observer",
    "Outcome",
    "OutputFault",
    "Passed",
    "Piece",
    "Pieces",
    "Pipeline",
    "PipelineError",
    "ScriptedGenerator",
    "Settings",
    "SettingsError",
    "Tool",
    "Tools",
    "Withheld",
    "assemble",
    "load",
    "load_settings",
]

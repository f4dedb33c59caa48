"""The upper room: drafts, the loop, engines and edges."""

from pipeline.answer import Answer
from pipeline.assembly import assemble, load
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
from pipeline.generator import DraftOptions, DraftRequest, Generator, Piece, Pieces
from pipeline.loop import Loop, Observer
from pipeline.outcome import Attempt, Cost, Outcome, Withheld
from pipeline.pipeline import Pipeline
from pipeline.rim import AsyncAnswer
from pipeline.screening import Passed
from pipeline.scripted import ScriptedGenerator
from pipeline.settings import Settings, load_settings
from pipeline.wanted import Form, Tool, Tools

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

"""What drafts: the seam is one call, and what is wanted of a draft comes with it."""

from pipeline.drafting.generator import DraftOptions, DraftRequest, Finish, Generator, Piece, Pieces
from pipeline.drafting.scripted import ScriptedGenerator
from pipeline.drafting.stops import Stops, until
from pipeline.drafting.wanted import Form, Tool, Tools

__all__ = [
    "DraftOptions",
    "DraftRequest",
    "Finish",
    "Form",
    "Generator",
    "Piece",
    "Pieces",
    "ScriptedGenerator",
    "Stops",
    "Tool",
    "Tools",
    "until",
]

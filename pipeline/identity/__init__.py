"""Forms in which a manifesto is put into the generator itself, so that fewer drafts fail."""

from pipeline.identity.heard import refuse_unheard
from pipeline.identity.made import Made, words_of
from pipeline.identity.preprompt import preprompt
from pipeline.identity.prompted import PromptedGenerator
from pipeline.identity.state import build_state, kept_state
from pipeline.identity.state_file import read_state, write_state
from pipeline.identity.worn import NONE, PREPROMPT, Wardrobe, Worn, made_of_adapter

__all__ = [
    "NONE",
    "PREPROMPT",
    "Made",
    "PromptedGenerator",
    "Wardrobe",
    "Worn",
    "build_state",
    "kept_state",
    "made_of_adapter",
    "preprompt",
    "read_state",
    "refuse_unheard",
    "words_of",
    "write_state",
]

"""The one door to llama.cpp."""

from pipeline.llama.engine import Adapter, Engine, Generation, Planting, Sampling, Saving
from pipeline.llama.generator import LlamaGenerator
from pipeline.llama.guard_model import LlamaGuardModel
from pipeline.llama.judge_model import (
    ACTS_ON,
    MADE_FOR,
    LlamaJudgeModel,
    acts_on_exchange,
    compile_grammar,
    made_for_others,
)
from pipeline.llama.model import LlamaModel
from pipeline.llama.optimise import (
    PASSAGE,
    Figures,
    Kind,
    Pace,
    Spread,
    compared,
    faster_form,
    fingerprint,
    pace,
    requantised,
    weights_print,
)
from pipeline.llama.reader import LlamaReader
from pipeline.llama.states import LlamaStates

__all__ = [
    "ACTS_ON",
    "MADE_FOR",
    "PASSAGE",
    "Adapter",
    "Engine",
    "Figures",
    "Generation",
    "Kind",
    "LlamaGenerator",
    "LlamaGuardModel",
    "LlamaJudgeModel",
    "LlamaModel",
    "LlamaReader",
    "LlamaStates",
    "Pace",
    "Planting",
    "Sampling",
    "Saving",
    "Spread",
    "acts_on_exchange",
    "compared",
    "compile_grammar",
    "faster_form",
    "fingerprint",
    "made_for_others",
    "pace",
    "requantised",
    "weights_print",
]

"""The one door to llama.cpp."""

from pipeline.llama.engine import Adapter, Engine
from pipeline.llama.generator import LlamaGenerator
from pipeline.llama.guard_model import LlamaGuardModel
from pipeline.llama.judge_model import ACTS_ON, MADE_FOR, LlamaJudgeModel, compile_grammar
from pipeline.llama.model import LlamaModel
from pipeline.llama.optimise import Figures, Kind, Spread, compared, faster_form, fingerprint, requantised
from pipeline.llama.states import LlamaStates

__all__ = [
    "ACTS_ON",
    "MADE_FOR",
    "Adapter",
    "Engine",
    "Figures",
    "Kind",
    "LlamaGenerator",
    "LlamaGuardModel",
    "LlamaJudgeModel",
    "LlamaModel",
    "LlamaStates",
    "Spread",
    "compared",
    "compile_grammar",
    "faster_form",
    "fingerprint",
    "requantised",
]

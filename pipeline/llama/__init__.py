"""The one door to llama.cpp."""

from pipeline.llama.fingerprint import fingerprint
from pipeline.llama.generator import LlamaGenerator
from pipeline.llama.judge_model import LlamaJudgeModel, compile_grammar
from pipeline.llama.optimise import Figures, Kind, Spread, compared, requantised
from pipeline.llama.weights import LlamaContext

__all__ = [
    "Figures",
    "Kind",
    "LlamaContext",
    "LlamaGenerator",
    "LlamaJudgeModel",
    "Spread",
    "compared",
    "compile_grammar",
    "fingerprint",
    "requantised",
]

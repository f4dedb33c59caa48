"""The one door to llama.cpp."""

from pipeline.llama.fingerprint import fingerprint
from pipeline.llama.generator import LlamaGenerator
from pipeline.llama.judge_model import LlamaJudgeModel, compile_grammar
from pipeline.llama.weights import LlamaContext

__all__ = ["LlamaContext", "LlamaGenerator", "LlamaJudgeModel", "compile_grammar", "fingerprint"]

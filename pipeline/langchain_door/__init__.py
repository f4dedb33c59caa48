"""The one door to LangChain: chat models that draft or judge, and embeddings. Imports it once one is asked for."""

from pipeline.langchain_door.embeddings import load_embedder
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.generator import ChatGenerator
from pipeline.langchain_door.guard_model import ChatGuardModel
from pipeline.langchain_door.judge_model import ChatJudgeModel
from pipeline.langchain_door.load import load_chat_model

__all__ = ["ChatGenerator", "ChatGuardModel", "ChatJudgeModel", "load_chat_model", "load_embedder", "translated"]

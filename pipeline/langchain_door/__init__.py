"""The one door to LangChain: chat models as generators and as judges. Imports LangChain only once one is asked for."""

from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.generator import ChatGenerator
from pipeline.langchain_door.judge_model import ChatJudgeModel
from pipeline.langchain_door.load import load_chat_model

__all__ = ["ChatGenerator", "ChatJudgeModel", "load_chat_model", "translated"]

"""The edges to LangChain: each is handed a ready pipeline. They import LangChain, so nobody imports them by the way."""

from pipeline.langchain_door.edges.agent import ModerationEdge
from pipeline.langchain_door.edges.chat import ChatEdge
from pipeline.langchain_door.edges.runnable import AnyRunnable, ModeratedRunnable
from pipeline.langchain_door.edges.turns import sources_of

__all__ = ["AnyRunnable", "ChatEdge", "ModeratedRunnable", "ModerationEdge", "sources_of"]

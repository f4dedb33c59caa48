"""The edge that is a chat model."""

from pipeline.langchain_door.edges.chat.chat import ChatEdge

__all__ = ["ChatEdge"]

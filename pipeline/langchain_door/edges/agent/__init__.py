"""The edge that sits in an agent."""

from pipeline.langchain_door.edges.agent.middleware import ModerationEdge

__all__ = ["ModerationEdge"]

"""The edge that wraps what runs."""

from pipeline.langchain_door.edges.runnable.runnable import AnyRunnable, ModeratedRunnable

__all__ = ["AnyRunnable", "ModeratedRunnable"]

"""Superego for LangChain: a chat model, a wrapper for any Runnable, a middleware for agents. Importing it loads both.

Each takes a ready pipeline, or a manifesto by its shipped name or path, loaded with the models of the settings.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from pipeline.assembly import load
from pipeline.errors import BadInput
from pipeline.langchain_door.edges import ChatEdge, ModeratedRunnable, ModerationEdge, sources_of
from pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from pipeline.langchain_door.edges import AnyRunnable

__all__ = ["ModeratedChat", "ModerationMiddleware", "moderate", "sources_of"]


class ModeratedChat(ChatEdge):
    __doc__ = ChatEdge.__doc__

    def _load(self) -> Pipeline:
        return self._with_model(load(self.manifesto, drafts=self.model is None))


class ModerationMiddleware(ModerationEdge):
    __doc__ = ModerationEdge.__doc__

    def __init__(
        self, manifesto: str | PathLike[str] | None = None, *, pipeline: Pipeline | None = None, **options: Any
    ) -> None:
        super().__init__(_judging(manifesto, pipeline), **options)


def moderate(
    runnable: AnyRunnable,
    manifesto: str | PathLike[str] | None = None,
    *,
    pipeline: Pipeline | None = None,
    **options: Any,
) -> ModeratedRunnable:
    """The runnable, moderated; options as for `ModeratedRunnable`."""
    return ModeratedRunnable(runnable, _judging(manifesto, pipeline), **options)


def _judging(manifesto: str | PathLike[str] | None, pipeline: Pipeline | None) -> Pipeline:
    """What judges: the pipeline that was handed in, else one that is loaded, and drafts nothing itself."""
    if pipeline and manifesto is not None:
        raise BadInput("give a pipeline or a manifesto's name: a pipeline has a manifesto")
    return pipeline or load(manifesto, drafts=False)

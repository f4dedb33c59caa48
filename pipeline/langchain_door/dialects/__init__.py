"""Which parameters a chat model takes, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.langchain_door.dialects.dialect import Dialect, GrammarOf
from pipeline.langchain_door.dialects.in_process import InProcess
from pipeline.langchain_door.dialects.open_ai import OpenAi
from pipeline.langchain_door.dialects.plain import Plain

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["GrammarOf", "dialect_of"]


def dialect_of(model: BaseChatModel, *, grammar: GrammarOf | None = None) -> Dialect:
    """The dialect of a model, told by the names of its classes so that no integration has to be imported."""
    classes = {cls.__name__ for cls in type(model).__mro__}
    if "BaseChatOpenAI" in classes:
        return OpenAi(model)
    if "ChatLlamaCpp" in classes:
        return InProcess(model, grammar)
    return Plain(model)

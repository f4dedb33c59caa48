"""Drafts and verdicts are nobody's to see as they are written, and LangChain would show them.

Whoever streams a chain, a graph or its events hangs a handler into the callbacks, and every chat model below hands it
each token as it is written: also one whose answer is only judged afterwards, and the judge itself. A graph below hands
each of its steps to the stream of the graph that it is a part of. Here those handlers and that stream are taken out.
Tracers and one's own handlers stay, because they record and do not answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.runnables import RunnableConfig

# By name: the classes are LangChain's own affair, and one that is renamed must not be missed by an import that fails.
_STREAMING = {"_StreamingCallbackHandler", "_V2StreamingCallbackHandler"}
_STREAM_OF_STEPS = "__pregel_stream"  # LangGraph's


def quietly() -> RunnableConfig:
    """The config of whoever is running here, if that is LangChain, without what shows tokens and steps."""
    from langchain_core.runnables.config import ensure_config

    return quiet(ensure_config())


def quiet(config: RunnableConfig) -> RunnableConfig:
    """The config without what shows tokens and steps."""
    told = config.get("configurable") or {}
    config = {**config, "configurable": {key: told[key] for key in told if key != _STREAM_OF_STEPS}}
    callbacks = config.get("callbacks")
    if callbacks is None:
        return config
    if isinstance(callbacks, list):
        return {**config, "callbacks": silent(callbacks)}
    manager = callbacks.copy()
    manager.handlers = silent(callbacks.handlers)
    manager.inheritable_handlers = silent(callbacks.inheritable_handlers)
    return {**config, "callbacks": manager}


def silent(handlers: Iterable[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    """Those that do not hand on to a consumer what a model is writing."""
    return [handler for handler in handlers if not _STREAMING & {kind.__name__ for kind in type(handler).__mro__}]

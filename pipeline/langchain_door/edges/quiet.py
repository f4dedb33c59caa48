"""Drafts are nobody's to see before they are judged, and LangChain would show them.

Whoever streams a chain, a graph or its events hangs a handler into the callbacks, and every chat model below hands it
each token as it is written: also a model whose answer is only judged afterwards. Here those handlers are taken out.
Tracers and one's own handlers stay, because they record and do not answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import TypeVar

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager, CallbackManager
from langchain_core.callbacks.manager import BaseRunManager
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, set_config_context

T = TypeVar("T")

# By name: the classes are LangChain's own affair, and one that is renamed must not be missed by an import that fails.
_STREAMING = {"_StreamingCallbackHandler", "_V2StreamingCallbackHandler"}


def shows_tokens(handler: BaseCallbackHandler) -> bool:
    """Whether a handler hands on to a consumer what a model is writing."""
    return any(kind.__name__ in _STREAMING for kind in type(handler).__mro__)


def quiet(config: RunnableConfig) -> RunnableConfig:
    """The config without handlers that show tokens."""
    callbacks = config.get("callbacks")
    if callbacks is None:
        return config
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        manager.handlers = _kept(callbacks.handlers)
        manager.inheritable_handlers = _kept(callbacks.inheritable_handlers)
        return {**config, "callbacks": manager}
    return {**config, "callbacks": _kept(callbacks)}


@contextmanager
def quiet_context(run: BaseRunManager | None = None) -> Iterator[Context]:
    """A context to call models in: what runs in it is quiet, and a child of `run` in traces."""
    config = quiet(ensure_config())
    if run is not None:
        handlers = _kept(run.inheritable_handlers)
        config["callbacks"] = CallbackManager(
            handlers,
            handlers.copy(),
            run.run_id,
            inheritable_tags=run.inheritable_tags,
            inheritable_metadata=run.inheritable_metadata,
        )
    with set_config_context(config) as context:
        yield context


def _kept(handlers: list[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    return [handler for handler in handlers if not shows_tokens(handler)]

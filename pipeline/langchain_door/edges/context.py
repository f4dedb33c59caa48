"""Where models are called by an edge: in a context in which nobody is listening to their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context

from langchain_core.callbacks import CallbackManager
from langchain_core.callbacks.manager import BaseRunManager
from langchain_core.runnables.config import set_config_context

from pipeline.langchain_door.quiet import quietly, silent


@contextmanager
def quiet_context(run: BaseRunManager | None = None) -> Iterator[Context]:
    """A context to call models in, for drafts and for critics: quiet, and a child of `run` in traces."""
    config = quietly()
    if run is not None:
        handlers = silent(run.inheritable_handlers)
        config["callbacks"] = CallbackManager(
            handlers,
            handlers.copy(),
            run.run_id,
            inheritable_tags=run.inheritable_tags,
            inheritable_metadata=run.inheritable_metadata,
        )
    with set_config_context(config) as context:
        yield context

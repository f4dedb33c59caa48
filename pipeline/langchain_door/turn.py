"""One call at a time for models in this process: a llama.cpp context holds one conversation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakKeyDictionary

from pipeline.errors import ModelBusy

_registry = Lock()
_locks: WeakKeyDictionary[object, Lock] = WeakKeyDictionary()


@contextmanager
def turn(engine: object | None, name: str, *, patience: float) -> Iterator[None]:
    """Hold `engine` for one call, waiting up to `patience` seconds; `None` stands for a server, which needs no turn.

    Two calls at once would write into one KV cache, and neither would notice. Raises `ModelBusy`.
    """
    if engine is None:
        yield
        return
    with _registry:
        lock = _locks.setdefault(engine, Lock())
    if not lock.acquire(timeout=patience):
        raise ModelBusy(
            f"{name} is still busy with another call after {patience:g} seconds: close that one, or load it twice"
        )
    try:
        yield
    finally:
        lock.release()

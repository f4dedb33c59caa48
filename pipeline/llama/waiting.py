"""Waiting for the engine as a critic does: until it is done, or until nobody wants to know any more."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import TypeVar

from critics import time_left
from pipeline.errors import ModelUnavailable
from pipeline.llama.engine import Chunk, Writing

T = TypeVar("T")

_LOOK = 0.05
"""Seconds between two looks at the clock."""
_LATE = "the model's word came too late: nobody waits for it any more"


def waited(future: Future[T]) -> T:
    """The result, or what the work raised. Cancels the work where no time is left, and raises `ModelUnavailable`."""
    while not wait([future], timeout=_LOOK).done:
        if time_left() == 0.0:
            future.cancel()
            raise ModelUnavailable(_LATE)
    return future.result()


def listened(writing: Writing) -> Iterator[Chunk]:
    """What is written, as it comes. Cancels the work where no time is left, and raises `ModelUnavailable`."""
    try:
        for chunk in writing.heard(lambda: time_left() == 0.0):
            yield chunk
            if chunk.finish:
                return
    finally:
        writing.cancel()
    raise ModelUnavailable(_LATE)

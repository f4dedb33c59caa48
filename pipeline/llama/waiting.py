"""Waiting for the engine as a critic does: until it is done, or until nobody wants to know any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, wait
from itertools import islice
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


def in_turn(begun: Iterator[Writing], together: int) -> Generator[Writing]:
    """Each of what `begun` begins, to be listened to, with so many under way or waiting at a time: an engine's queue
    has an end. Left early, or where one cannot be begun, it cancels those that are."""
    under_way = deque[Writing]()
    try:
        under_way.extend(islice(begun, together))
        while under_way:
            yield under_way[0]
            under_way.popleft()
            under_way += islice(begun, 1)
    finally:
        for writing in under_way:
            writing.cancel()


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

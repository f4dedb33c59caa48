"""A draft that is waited for only as long as somebody wants it, whatever its generator is waiting for."""

from __future__ import annotations

import threading
from contextlib import closing
from contextvars import copy_context
from dataclasses import replace
from queue import Empty, SimpleQueue

from critics import leave_behind
from pipeline.drafting import DraftRequest, Generator, Piece, Pieces

THREAD = "answer-draft"
"""The name of the threads that generators work in; one may be left behind."""

_LOOK = 0.05
"""Seconds between two looks at whether anybody still waits."""

_CLOSING = 1.0
"""Seconds that a generator may take to close."""


def awaited(generator: Generator, request: DraftRequest) -> Pieces:
    """The pieces of a draft as they are asked for, until its end, or until the request has no time left.

    A generator that is silent then is left behind in a daemon thread, since nothing can stop it from outside; from
    inside, the request tells it to stop. One that has given a piece and is not asked for another is closed at once.
    """
    stop = threading.Event()
    wanted: SimpleQueue[bool] = SimpleQueue()
    given: SimpleQueue[Piece | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            with closing(generator(replace(request, stop=stop))) as pieces:
                for piece in pieces:
                    given.put(piece)
                    if not wanted.get():
                        break
            given.put(None)
        except BaseException as exc:  # noqa: BLE001  # handed over to the caller's thread, which raises it
            given.put(exc)

    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True, name=THREAD)
    thread.start()
    rests = False
    try:
        while (left := request.time_left) != 0.0:
            if rests:
                wanted.put(True)
                rests = False
            try:
                piece = given.get(timeout=_LOOK if left is None else min(_LOOK, left))
            except Empty:
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            rests = True
            yield piece
    finally:
        stop.set()
        wanted.put(False)
        # One that said nothing just now may only have had no turn on a busy machine.
        thread.join(_CLOSING if rests else _LOOK)
        if thread.is_alive():
            leave_behind(thread)

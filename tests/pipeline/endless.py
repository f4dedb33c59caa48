"""A draft that does not end by itself; no test of its own."""

from __future__ import annotations

import threading

from pipeline import DraftRequest, Piece, Pieces


class Endless:
    """A generator that is never done until it is closed, and says so."""

    name = "endless"
    can_continue = False

    def __init__(self) -> None:
        self.begun, self.closed = threading.Event(), threading.Event()

    def __call__(self, request: DraftRequest) -> Pieces:
        try:
            while True:
                self.begun.set()
                yield Piece("")  # nothing that any budget would notice
        finally:
            self.closed.set()

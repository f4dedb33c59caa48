"""The log, while a view is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def logged(say: Callable[[str], None]) -> Iterator[None]:
    """What the log has to tell is said by the view: it would garble a display, and be no JSON among JSON lines."""
    log = logging.getLogger("superego")
    before, log.handlers = log.handlers, [_Saying(say)]
    try:
        yield
    finally:
        log.handlers = before


class _Saying(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(self.format(record))

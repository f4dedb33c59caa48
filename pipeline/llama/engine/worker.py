"""The one thread of this process in which llama.cpp computes, for all engines in turn.

Two threads that compute at once would not only share the cores: OpenMP keeps a team of threads for each of them, stops
spinning once there are more in all than cores, and then every barrier between two operations sleeps. On two cores all
got two and a half times slower (docs/performance.md).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TypeVar

THREAD = "engine"
"""The thread's name."""

T = TypeVar("T")

_log = logging.getLogger("superego")

Service = Generator[bool, None, None]
"""What an engine has done here, a step at a time. It yields whether there is more to do at once."""


class Worker:
    """Goes round the services until each has ended."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._new: list[Service] = []
        self._ringing = False
        self._thread: threading.Thread | None = None

    def employ(self, service: Service) -> None:
        """Begin with a service. The thread is started for the first one, and stays."""
        with self._rung:
            self._new.append(service)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
                self._thread.start()
        self.ring()

    def ring(self) -> None:
        """There may be something to do."""
        with self._rung:
            self._ringing = True
            self._rung.notify()

    def run(self, work: Callable[[], T]) -> T:
        """Do one thing there, and wait for it."""
        future: Future[T] = Future()

        def once() -> Service:
            try:
                future.set_result(work())
            except Exception as exc:  # noqa: BLE001  # raised where it was asked for
                future.set_exception(exc)
            return
            yield False

        self.employ(once())
        return future.result()

    @property
    def here(self) -> bool:
        """Whether this is the thread."""
        return threading.current_thread() is self._thread

    def _work(self) -> None:
        services: list[Service] = []
        busy = False
        while True:
            with self._rung:
                while not (busy or self._ringing):
                    self._rung.wait()
                self._ringing = False
                services += self._new
                self._new.clear()
            going = [(service, _step(service)) for service in services]
            services = [service for service, more in going if more is not None]
            busy = any(more for _, more in going)


def _step(service: Service) -> bool | None:
    try:
        return next(service, None)
    except Exception:  # noqa: BLE001  # it is logged, and the other engines go on
        _log.exception("an engine broke")
        return None


worker = Worker()

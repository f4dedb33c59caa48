"""The thread of this process in which llama.cpp computes, for all engines in turn, and one that helps it out.

Two threads that compute at once, each with a team, would not only share the cores: OpenMP stops spinning once there are
more threads in all teams than cores, and then every barrier between two operations sleeps. On two cores all got two and
a half times slower (docs/performance.md). So the worker alone has a team. But one token is written by one core nearly
as fast as by two; on the other one the helper reads, by itself.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from pipeline.errors import ModelUnusable
from pipeline.llama.engine.load import Load, Share

THREAD = "engine"
"""The worker's name."""
HELPER = "engine-helper"
"""The helper's."""

FORKED = "this process was forked from one in which a model was at work already: start processes with `spawn`"

T = TypeVar("T")

_log = logging.getLogger("superego")


Service = Generator[Load, Share, None]
"""What an engine has done here, a step at a time: it is told with how many threads, and tells of the next step."""


class Worker:
    """Goes round the services until each has ended."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._new: list[Service] = []
        self._ringing = False
        self._thread: threading.Thread | None = None
        self._helper = _Helper(self.ring)
        self._forked = False
        self._once: set[Future[Any]] = set()
        self.spared = True
        """Whether something that can wait would be done at once: somebody spares a thread for it, or nobody does
        anything."""

    def employ(self, service: Service) -> None:
        """Begin with a service. The thread is started for the first one, and stays. Raises `RuntimeError` where the
        system has none to give, and `ModelUnusable` in the child of a process that had one."""
        if self._forked:
            raise ModelUnusable(FORKED)
        with self._rung:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
                thread.start()
                self._thread = thread
            self._new.append(service)
        self.ring()

    def forked(self) -> None:
        """For a child: the thread stayed in the parent, and who held the lock did so too. What is left of OpenMP's
        threads would be waited for as well, so that another thread is no cure."""
        self._rung = threading.Condition()
        self._once.clear()
        self._forked = self._thread is not None

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
            yield Load()

        self.employ(once())
        self._once.add(future)
        future.add_done_callback(self._once.discard)
        return future.result()

    def finish(self) -> None:
        """Wait for what `run` was asked for, also where whoever asked was interrupted."""
        wait(set(self._once))

    @property
    def here(self) -> bool:
        """Whether this is the thread, or the helper's."""
        return threading.current_thread() in (self._thread, self._helper.thread)

    def _work(self) -> None:
        loads: dict[Service, Load] = {}
        while True:
            busy = [load for load in loads.values() if load.busy]
            self.spared = not self._helper.busy and (not busy or any(load.lends for load in busy))
            rung, new = self._waited(loads)
            if new:
                self._helper.recall()  # one may be there to measure how fast something is
            loads |= self._helper.returned(wait=bool(new))
            for service in new:
                _keep(loads, service, _step(service, None))
            self._lend(loads)
            for service, load in list(loads.items()):
                if load.busy or rung:
                    self._step(loads, service, load)

    def _waited(self, loads: dict[Service, Load]) -> tuple[bool, list[Service]]:
        """Once there is something to do: whether somebody rang, so that the idle should look, and services to begin
        with."""
        if not any(load.busy for load in loads.values()):
            self._helper.recall()  # with all threads it is sooner done
            with self._rung:
                while not self._ringing:
                    self._rung.wait()
        with self._rung:
            rung, self._ringing = self._ringing, False
            new = self._new[:]
            self._new.clear()
        return rung, new

    def _lend(self, loads: dict[Service, Load]) -> None:
        """Let the helper do what can be done beside somebody who spares a thread for it."""
        spared = [service for service, load in loads.items() if load.lends]
        for service, load in loads.items():
            if load.busy and load.apart and [one for one in spared if one is not service] and not self._helper.busy:
                if self._helper.lend(service):
                    del loads[service]
                return

    def _step(self, loads: dict[Service, Load], service: Service, load: Load) -> None:
        if self._helper.busy and load.busy and not load.spares:
            self._helper.recall()
            loads |= self._helper.returned(wait=True)
        others = any(other.busy and not other.waits for one, other in loads.items() if one is not service)
        share = Share.REST if self._helper.busy else Share.TURNS if others or load.waits else Share.ALL
        if load.waits and others:
            share = Share.NONE
        _keep(loads, service, _step(service, share))


class _Helper:
    """A second thread, which does for one service at a time what can be done in one thread."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._service: Service | None = None
        self._recalled = False
        self._done: dict[Service, Load] | None = None
        self.thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a service is with it that has not been taken back."""
        return self._service is not None

    def lend(self, service: Service) -> bool:
        """For the worker: hand over a service, which nobody else touches until it has `returned`. Whether that could be
        done."""
        with self._changed:
            if self.thread is None:
                thread = threading.Thread(target=self._work, name=HELPER, daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system has no more threads to give
                    return False
                self.thread = thread
            self._service, self._recalled, self._done = service, False, None
            self._changed.notify_all()
            return True

    def recall(self) -> None:
        """Ask for the service after its next step."""
        with self._changed:
            self._recalled = True

    def returned(self, *, wait: bool = False) -> dict[Service, Load]:
        """The service, if it has ended its step, with its load; nothing where it has come to its own end."""
        with self._changed:
            while wait and self._service is not None and self._done is None:
                self._changed.wait()
            if self._done is None:
                return {}
            done, self._service, self._done = self._done, None, None
            return done

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._service is None or self._done is not None:
                    self._changed.wait()
                service = self._service
            load = _step(service, Share.ONE)
            with self._changed:
                if load is not None and load.busy and load.apart and not self._recalled:
                    continue
                self._done = {} if load is None else {service: load}
                self._changed.notify_all()
            self._ring()


def _keep(loads: dict[Service, Load], service: Service, load: Load | None) -> None:
    if load is None:
        loads.pop(service, None)
    else:
        loads[service] = load


def _step(service: Service, share: Share | None) -> Load | None:
    """The load after a step; `None` where the service has ended. Without a share it is only begun with."""
    try:
        return next(service) if share is None else service.send(share)
    except StopIteration:
        return None
    except Exception:  # noqa: BLE001  # it is logged, and the other engines go on
        _log.exception("an engine broke")
        return None


worker = Worker()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=worker.forked)

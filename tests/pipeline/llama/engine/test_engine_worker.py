"""The worker and its helper, with services that compute nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.llama.engine import Engine, engine
from pipeline.llama.engine.load import Load, Share
from pipeline.llama.engine.mailbox import Mailbox
from pipeline.llama.engine.worker import HELPER, THREAD, Service, Worker

WRITES = Load(busy=True, spares=True)
ENDING = Load(busy=True, spares=True, ending=True)
WHOLE = Load(busy=True)
READS = Load(busy=True, apart=True)
AHEAD = Load(busy=True, apart=True, waits=True)
IDLE = Load()


@pytest.mark.parametrize(("share", "threads"), [(Share.ALL, 4), (Share.TURNS, 4), (Share.REST, 3), (Share.ONE, 1)])
def test_a_share_is_so_many_of_four_threads_and_one_of_one(share: Share, threads: int) -> None:
    assert (share.of(4), share.of(1)) == (threads, 1)


@dataclass
class Log:
    """What was done, by whom, with which share, and who was at it at the same time."""

    steps: list[tuple[str, str, Share]] = field(default_factory=list)
    together: set[frozenset[str]] = field(default_factory=set)
    now: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, name: str) -> list[tuple[str, Share]]:
        return [(thread, share) for who, thread, share in self.steps if who == name]


@pytest.fixture
def worker() -> Worker:
    return Worker()


def service(log: Log, name: str, loads: list[Load], *, fails: bool = False) -> tuple[Service, threading.Event]:
    """Has these loads one after the other; the event is set once it has ended."""
    ended = threading.Event()

    def run() -> Service:
        try:
            for load in loads:
                share = Share.NONE
                while share is Share.NONE:
                    share = yield load
                    log.steps.append((name, threading.current_thread().name, share))
                with log.lock:
                    log.now.add(name)
                    log.together.add(frozenset(log.now))
                time.sleep(0.002)
                with log.lock:
                    log.now.discard(name)
            if fails:
                raise RuntimeError(name)
        finally:
            ended.set()

    return run(), ended


def asking(worker: Worker, told: list[bool], loads: list[Load]) -> tuple[Service, threading.Event]:
    """A service that asks, in each of its steps, whether something would be done beside it."""
    ended = threading.Event()

    def run() -> Service:
        for load in loads:
            yield load
            told.append(worker.spared)
        ended.set()

    return run(), ended


def done(worker: Worker, *services: tuple[Service, threading.Event]) -> None:
    """It begins with all of them."""
    with worker._rung:
        for one, _ in services:
            worker.employ(one)
    for _, ended in services:
        assert ended.wait(10)


def test_what_is_read_apart_is_read_beside_who_spares_a_thread(worker: Worker) -> None:
    """By the helper in one thread, while the other one has the rest."""
    log = Log()
    done(worker, service(log, "writes", [WRITES] * 30), service(log, "reads", [READS] * 10))
    assert (HELPER, Share.ONE) in log.of("reads")
    assert (THREAD, Share.REST) in log.of("writes")
    assert {thread for thread, _ in log.of("writes")} == {THREAD}
    assert frozenset({"writes", "reads"}) in log.together
    assert all((thread == HELPER) == (share is Share.ONE) for thread, share in log.of("reads"))


@pytest.mark.parametrize(("load", "spared"), [(WHOLE, False), (WRITES, True), (ENDING, False), (AHEAD, False)])
def test_it_is_known_whether_what_can_wait_would_be_done_at_once(worker: Worker, load: Load, spared: bool) -> None:
    """While somebody spares a thread for long enough, or nobody does anything."""
    told: list[bool] = []
    assert worker.spared
    done(worker, asking(worker, told, [load] * 3))
    assert told[1:] == [spared] * 2
    end = time.monotonic() + 10
    while not worker.spared:
        assert time.monotonic() < end


def test_while_the_helper_is_busy_nothing_else_would_be_done(worker: Worker) -> None:
    told: list[bool] = []
    log = Log()
    done(worker, asking(worker, told, [WRITES] * 20), service(log, "reads", [READS] * 10))
    assert (HELPER, Share.ONE) in log.of("reads")
    assert False in told


def test_once_nobody_is_beside_it_the_rest_is_read_with_all_threads(worker: Worker) -> None:
    log = Log()
    done(worker, service(log, "writes", [WRITES] * 5), service(log, "reads", [READS] * 30))
    assert log.of("reads")[-1] == (THREAD, Share.ALL)


@pytest.mark.parametrize("one", [WHOLE, ENDING], ids=["whole", "ending"])
@pytest.mark.parametrize("other", [WHOLE, AHEAD, Load(busy=True, apart=True)], ids=["whole", "ahead", "reads too"])
def test_beside_who_spares_none_nothing_is_done(worker: Worker, one: Load, other: Load) -> None:
    """They take turns, and know it, and each has all threads."""
    log = Log()
    done(worker, service(log, "one", [one] * 10), service(log, "other", [other] * 10))
    shares = {share for _, _, share in log.steps}
    assert shares <= {Share.ALL, Share.TURNS, Share.NONE}
    assert (Share.NONE in shares) == other.waits
    assert (Share.TURNS in {share for _, share in log.of("one")}) == (not other.waits)
    assert {thread for _, thread, _ in log.steps} == {THREAD}
    assert log.together == {frozenset({"one"}), frozenset({"other"})}


def test_who_needs_all_threads_waits_until_the_helper_has_ended_its_step(worker: Worker) -> None:
    log = Log()
    loads = ([WRITES] * 3 + [WHOLE] * 3) * 6
    done(worker, service(log, "writes", loads), service(log, "reads", [READS] * 200))
    shares = [share for _, share in log.of("writes")]
    # A step that spares a thread has the rest beside the helper; one that does not never has less than all.
    assert {share for share, load in zip(shares, loads, strict=True) if load == WHOLE} == {Share.TURNS}
    assert Share.REST in shares
    assert frozenset({"writes", "reads"}) in log.together


def test_what_can_wait_is_done_when_nobody_else_has_anything_to_do(worker: Worker) -> None:
    """Or beside somebody; until then it is only told what is new."""
    log = Log()
    done(worker, service(log, "whole", [WHOLE] * 10), service(log, "ahead", [AHEAD] * 3))
    order = [name for name, _, share in log.steps if share is not Share.NONE]
    assert order == ["whole"] * 10 + ["ahead"] * 3


def test_two_that_can_wait_do_not_wait_for_one_another(worker: Worker) -> None:
    log = Log()
    done(worker, service(log, "one", [AHEAD] * 3), service(log, "other", [AHEAD] * 3))
    assert {share for _, _, share in log.steps} == {Share.TURNS}


def test_a_service_that_breaks_or_ends_with_the_helper_is_gone_and_the_others_go_on(worker: Worker) -> None:
    log = Log()
    writes = service(log, "writes", [WRITES] * 60)
    done(worker, writes, service(log, "breaks", [READS] * 3, fails=True), service(log, "ends", [READS] * 3))
    assert (HELPER, Share.ONE) in log.of("breaks")
    assert len(log.of("writes")) == 60
    assert len([share for _, share in log.of("ends") if share is not Share.NONE]) == 3


def test_nobody_is_beside_one_thing_that_is_done(worker: Worker) -> None:
    """It may be to measure how fast something is."""
    log = Log()
    services = [service(log, "writes", [WRITES] * 300), service(log, "reads", [READS] * 300)]
    for one, _ in services:
        worker.employ(one)
    while (HELPER, Share.ONE) not in log.of("reads"):
        time.sleep(0.001)

    def beside() -> set[str]:
        seen: set[str] = set()
        for _ in range(20):
            time.sleep(0.001)
            seen |= log.now
        return seen

    assert worker.run(beside) == set()
    assert all(ended.wait(10) for _, ended in services)


def test_an_idle_service_learns_of_what_is_new_at_a_ring(worker: Worker) -> None:
    log = Log()
    idle, ended = service(log, "idle", [IDLE])
    worker.employ(idle)
    deadline = time.monotonic() + 10
    while not ended.is_set() and time.monotonic() < deadline:
        worker.ring()
        time.sleep(0.01)
    assert log.of("idle") == [(THREAD, Share.ALL)]


def test_it_is_the_worker_that_does_one_thing_and_it_knows_itself(worker: Worker) -> None:
    def here() -> tuple[str, bool]:
        return threading.current_thread().name, worker.here

    assert worker.run(here) == (THREAD, True)
    assert not worker.here

    def broken() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        worker.run(broken)
    assert worker.run(here) == (THREAD, True)


def test_a_thread_that_could_not_be_had_is_asked_for_again(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever comes later would wait for ever."""
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _refused)
        with pytest.raises(RuntimeError, match="no thread"):
            worker.run(lambda: 1)
    assert worker.run(lambda: 2) == 2


def _refused(_: threading.Thread) -> None:
    raise RuntimeError("no thread")


def test_an_engine_that_is_interrupted_while_it_is_made_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its context would be there until the process ends."""
    boxes: list[Mailbox] = []

    def served(_: object, mailbox: Mailbox, *__: object) -> Service:
        boxes.append(mailbox)
        return service(Log(), "nothing", [])[0]

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_serve", served)
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Engine(SimpleNamespace(piece=None, ends=None, context=int), context=64)  # type: ignore[arg-type]  # no weights are used
    assert [box.closed for box in boxes] == [True]
    boxes[0].end()


INTERRUPTED = """
import os
import signal
import threading
import time

from pipeline.llama.engine import engine
from pipeline.llama.engine.worker import worker


def work():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(0.3)
    os.write(1, b"done")


signal.signal(signal.SIGINT, signal.default_int_handler)
worker.run(work)
"""


def test_what_nobody_waits_for_any_more_is_waited_for_at_the_end(root: Path) -> None:
    """Or the interpreter would take the thread down while that is inside llama.cpp."""
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=root, capture_output=True, text=True, check=False)
    assert "KeyboardInterrupt" in ended.stderr
    assert ended.stdout == "done"

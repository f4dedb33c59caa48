"""The whole conversation is judged as input, not just its last turn.

The loop judges the last turn of the user. Whatever a client sends before it, system messages included, is text of the
client's as well: what must not be asked must not be asked two turns earlier either. A chat sends its whole past every
time, so what passed is remembered.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from critics import Message, Usage, Verdict
from pipeline.outcome import Cost, Outcome
from pipeline.pipeline import Pipeline
from pipeline.server.work.answering import Answering, Start

Conversation = Sequence[Message]


class Passed:
    """What passed as input before, by hash; the oldest are forgotten."""

    def __init__(self, room: int = 8192) -> None:
        self._room = room
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, mark: bytes) -> bool:
        with self._lock:
            if mark in self._seen:
                self._seen.move_to_end(mark)
            return mark in self._seen

    def add(self, mark: bytes) -> None:
        with self._lock:
            self._seen[mark] = None
            if len(self._seen) > self._room:
                self._seen.popitem(last=False)


class Screened:
    """An answer that begins once every earlier turn has passed."""

    def __init__(self, pipeline: Pipeline, conversation: Conversation, start: Start, passed: Passed) -> None:
        self._pipeline = pipeline
        self._conversation = conversation
        self._start = start
        self._passed = passed
        self._lock = threading.Lock()
        self._cancelled = False
        self._answer: Answering | None = None
        self._outcome: Outcome | None = None
        self._usage = Usage()

    def __iter__(self) -> Iterator[str]:
        began = time.monotonic()
        for turn in _earlier(self._conversation) if self._pipeline.manifesto.rules_for("input") else ():
            if self._cancelled:
                self._outcome = self._withheld(None, began)
                return
            if verdict := self._refused(turn):
                self._outcome = self._withheld(verdict, began)
                return
        answer = self._start()
        with self._lock:
            self._answer = answer
            cancelled = self._cancelled
        if cancelled:
            answer.cancel()
        yield from answer
        cost = answer.outcome.cost
        cost = replace(cost, critic=cost.critic + self._usage, seconds=time.monotonic() - began)
        self._outcome = replace(answer.outcome, cost=cost)

    @property
    def outcome(self) -> Outcome:
        if self._outcome is None:
            raise RuntimeError("the answer has not ended")
        return self._outcome

    @property
    def shown(self) -> str:
        return self._answer.shown if self._answer else ""

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            answer = self._answer
        if answer:
            answer.cancel()

    def close(self) -> None:
        self.cancel()
        if self._answer:
            self._answer.close()

    def _refused(self, turn: Conversation) -> Verdict | None:
        mark = _mark(self._pipeline.manifesto.hash, turn)
        if mark in self._passed:
            return None
        verdict = self._pipeline.judge(turn)
        self._usage += verdict.usage
        if verdict.outcome != "pass":
            return verdict
        self._passed.add(mark)
        return None

    def _withheld(self, verdict: Verdict | None, began: float) -> Outcome:
        manifesto, generator = self._pipeline.manifesto, self._pipeline.generator
        undecided = verdict is not None and verdict.outcome == "undecided"
        return Outcome(
            status="withheld",
            stop_reason="cancelled" if verdict is None else "undecided" if undecided else "input",
            answer=None if manifesto.on_exhausted == "error" else manifesto.refusal,
            manifesto=manifesto,
            attempts=(),
            cost=Cost(Usage(), self._usage, time.monotonic() - began),
            generator=generator.name if generator else "",
            seed=0,
            input_verdict=verdict,
        )


def screened(pipeline: Pipeline, conversation: Conversation, start: Start, passed: Passed) -> Callable[[], Answering]:
    """`start`, behind the judging of every turn before the last one."""
    return lambda: Screened(pipeline, conversation, start, passed)


def _earlier(conversation: Conversation) -> Iterator[Conversation]:
    """Each turn that is the client's, as the end of what led to it; what the system is told, by itself."""
    for index, message in enumerate(conversation[:-1]):
        if message.role == "user" and message.content.strip():
            yield conversation[: index + 1]
        elif message.role == "system" and message.content.strip():
            yield (Message("user", message.content),)


def _mark(manifesto: str, turn: Conversation) -> bytes:
    digest = hashlib.sha256(manifesto.encode())
    for message in turn:
        digest.update(f"\0{message.role}\0{len(message.content)}\0".encode())
        digest.update(message.content.encode("utf-8", "surrogatepass"))
    return digest.digest()

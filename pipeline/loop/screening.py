"""What is judged as input: the last turn, or all that somebody else has put into a conversation.

Whatever a client sends before its last turn, system messages, tools' results and descriptions included, is text of the
client's as well: what must not be asked must not be asked two turns earlier either. A chat sends its whole past every
time, so what passed is remembered.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critics import Exchange, Manifesto, Message, Verdict
from pipeline.drafting import DraftOptions
from pipeline.structured import heard, said_by


class Passed:
    """What passed as input before, by hash; the oldest are forgotten. May be shared by threads and manifestos."""

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


@dataclass(frozen=True)
class Asked:
    """What one call is asked. With `passed` all of it is judged that is not remembered there."""

    exchange: Exchange
    options: DraftOptions = DraftOptions()
    passed: Passed | None = None

    def turns(self, manifesto: Manifesto) -> Iterator[Exchange]:
        """What is to be judged, the last turn last: that one always, so that it is told what its flags say."""
        if self.passed is not None:
            for turn in _earlier(self.exchange, self.options):
                if _mark(manifesto.hash, turn) not in self.passed:
                    yield turn
        yield last_turn(self.exchange)

    def remember(self, turn: Exchange, manifesto: Manifesto, verdict: Verdict) -> None:
        """That it has passed; not where that is only because a manifesto lets through what could not be judged."""
        if self.passed is not None and not verdict.of("undecided"):
            self.passed.add(_mark(manifesto.hash, turn))


def last_turn(exchange: Exchange) -> Exchange:
    """What is to be answered: the user's turn, or what the tools gave that were called."""
    turns = exchange.conversation
    if not turns or turns[-1].role != "tool":
        return heard(exchange)
    return _alone("\n\n".join(turn.content for turn in turns[_last(turns) :]))


def _earlier(exchange: Exchange, options: DraftOptions) -> Iterator[Exchange]:
    """Everything before that which is not the model's: a turn of the user's as the end of what led to it, what the
    system is told, what tools gave and what is offered each by itself."""
    turns = exchange.conversation
    for index, turn in enumerate(turns[: _last(turns)]):
        if not turn.content.strip():
            continue
        if turn.role == "user":
            yield heard(Exchange(turns[: index + 1]))
        elif turn.role != "assistant":
            yield _alone(turn.content)
    for tool in options.tools.offered if options.tools else ():
        yield _alone("\n".join(filter(None, (tool.name, tool.description, said_by(tool.parameters)))))
    if options.form and options.form.schema:
        yield _alone("\n".join(filter(None, (options.form.description, said_by(options.form.schema)))))


def _mark(manifesto: str, asked: Exchange) -> bytes:
    """What it is remembered by, under the manifesto with this hash."""
    digest = hashlib.sha256(manifesto.encode())
    texts: list[tuple[str, str]] = [(turn.role, turn.content) for turn in asked.conversation]
    texts += [(f"source {s.origin} {s.published} {s.kind}", s.text) for s in asked.sources]
    for head, text in texts:
        digest.update(f"\0{len(head)}\0{head}\0{len(text)}\0".encode("utf-8", "surrogatepass"))
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _alone(text: str) -> Exchange:
    return Exchange((Message("user", text),))


def _last(turns: Sequence[Message]) -> int:
    """Where the last turn begins: several tools' results are one."""
    index = len(turns) - 1
    while turns[index].role == "tool" and index and turns[index - 1].role == "tool":
        index -= 1
    return index

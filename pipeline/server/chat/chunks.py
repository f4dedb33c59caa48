"""A chat completion as it grows, in OpenAI's shape: chunks, then `[DONE]`."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from pipeline.outcome import Outcome
from pipeline.server.asking import failure, outcome_of
from pipeline.server.catalogue import Served
from pipeline.server.faults import ApiError
from pipeline.server.service import Service
from pipeline.server.telling.told import told
from pipeline.server.wire import sse
from pipeline.server.wire.ending import finish_reason, usage_of
from pipeline.server.wire.tools import called
from pipeline.server.work import Ended, Failed, Following, Part


class Chunks:
    """The chunks of one request."""

    def __init__(self, identity: str, served: Served, *, with_usage: bool) -> None:
        self._head = {
            "id": identity, "object": "chat.completion.chunk", "created": int(time.time()), "model": served.id,
        }  # fmt: skip
        self._usage: dict[str, Any] = {"usage": None} if with_usage else {}
        self._begun: set[int] = set()

    def text(self, choice: int, text: str, *, calls: bool = False) -> Iterator[bytes]:
        if choice not in self._begun:
            self._begun.add(choice)
            yield self._choice(choice, {"role": "assistant", "content": None if calls else ""})
        if text:
            yield self._choice(choice, {"content": text})

    def end(self, event: Ended, superego: Mapping[str, Any] | None) -> Iterator[bytes]:
        """The last chunk of an answer, which says why it ended. What was withheld before anything of it was shown
        says the manifesto's refusal instead; behind shown parts nothing is added that they did not lead to. Calls of
        tools come whole."""
        outcome = event.outcome
        refusal = outcome.answer or "" if outcome.status == "withheld" and not event.shown else ""
        yield from self.text(event.choice, refusal, calls=bool(outcome.calls))
        if outcome.calls:
            told = [{"index": i, **call.model_dump()} for i, call in enumerate(called(outcome.calls))]
            yield self._choice(event.choice, {"tool_calls": told})
        more = {"superego": superego} if superego else {}
        yield self._choice(event.choice, {}, finish_reason(outcome), **more)

    def usage(self, outcomes: list[Outcome]) -> bytes:
        return sse.data({**self._head, "choices": [], "usage": usage_of(outcomes).model_dump()})

    def _choice(self, index: int, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.data({**self._head, "choices": [choice], **self._usage, **more})


async def streamed(
    service: Service, following: Following, chunks: Chunks, *, with_usage: bool
) -> AsyncGenerator[bytes, None]:
    """What goes over the wire. Raises `ApiError` as long as nothing has; later a fault is an event, and the last."""
    outcomes: list[Outcome] = []
    begun = False
    try:
        while len(outcomes) < len(following):
            for chunk in _said(await following.next(service.options.keep_alive), service, chunks, outcomes):
                begun = True
                yield chunk
        if with_usage:
            yield chunks.usage(outcomes)
        yield sse.DONE
    except ApiError as fault:
        if not begun:
            raise
        yield sse.data(fault.body.model_dump())
    finally:
        following.cancel()


def _said(
    event: Part | Ended | Failed | None, service: Service, chunks: Chunks, outcomes: list[Outcome]
) -> Iterator[bytes]:
    match event:
        case None:
            yield sse.KEEP_ALIVE
        case Failed():
            raise failure(event)
        case Part():
            yield from chunks.text(event.choice, event.text)
        case Ended():
            outcome = outcome_of(event)
            outcomes.append(outcome)
            yield from chunks.end(event, told([outcome], service.options.tell))

"""A chat completion as it grows, in OpenAI's shape: chunks, then `[DONE]`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.loop import Outcome
from pipeline.server.catalogue import Served
from pipeline.server.faults import ApiError
from pipeline.server.options import Tell
from pipeline.server.telling.told import told
from pipeline.server.wire import sse
from pipeline.server.wire.tools import called
from pipeline.server.wire.usage import usage_of
from pipeline.server.work import Ended, Part


class Chunks:
    """The chunks of one request."""

    def __init__(self, identity: str, served: Served, tell: Tell, *, with_usage: bool) -> None:
        self._tell = tell
        self._outcomes: list[Outcome] = []
        self._head = {
            "id": identity, "object": "chat.completion.chunk", "created": int(time.time()), "model": served.id,
        }  # fmt: skip
        self._usage: dict[str, Any] = {"usage": None} if with_usage else {}
        self._begun: set[int] = set()

    def part(self, part: Part) -> Iterator[bytes]:
        return self._text(part.choice, part.text)

    def end(self, ended: Ended, outcome: Outcome) -> Iterator[bytes]:
        """The last chunk of an answer, which says why it ended. What was withheld before anything of it was shown
        says the manifesto's refusal instead; behind shown parts nothing is added that they did not lead to. Calls of
        tools come whole."""
        self._outcomes.append(outcome)
        refusal = outcome.answer or "" if outcome.status == "withheld" and not ended.shown else ""
        yield from self._text(ended.choice, refusal, calls=bool(outcome.calls))
        if outcome.calls:
            calls = [{"index": i, **call.model_dump()} for i, call in enumerate(called(outcome.calls))]
            yield self._choice(ended.choice, {"tool_calls": calls})
        superego = told([outcome], self._tell)
        more = {"superego": superego} if superego else {}
        yield self._choice(ended.choice, {}, outcome.finish_reason, **more)

    def fault(self, fault: ApiError) -> bytes:
        return sse.data(fault.body.model_dump())

    def last(self) -> Iterator[bytes]:
        if self._usage:
            yield sse.data({**self._head, "choices": [], "usage": usage_of(self._outcomes).model_dump()})
        yield sse.DONE

    def _text(self, choice: int, text: str, *, calls: bool = False) -> Iterator[bytes]:
        if choice not in self._begun:
            self._begun.add(choice)
            yield self._choice(choice, {"role": "assistant", "content": None if calls else ""})
        if text:
            yield self._choice(choice, {"content": text})

    def _choice(self, index: int, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.data({**self._head, "choices": [choice], **self._usage, **more})

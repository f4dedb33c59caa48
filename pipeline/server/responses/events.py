"""A response as it grows: OpenAI's events, numbered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.loop import Outcome
from pipeline.server.faults import ApiError
from pipeline.server.options import Tell
from pipeline.server.responses.reply import OutputMessage, OutputText, ResponseObject, dumped, ended
from pipeline.server.telling.told import told
from pipeline.server.wire import sse
from pipeline.server.work import Ended, Part


class Events:
    """The events of one response of one message of one text."""

    def __init__(self, response: ResponseObject, item: str, tell: Tell) -> None:
        self._response = response
        self._item = item
        self._tell = tell
        self._number = 0
        self._begun = False

    def part(self, part: Part) -> Iterator[bytes]:
        return self._text(part.text)

    def end(self, event: Ended, outcome: Outcome) -> Iterator[bytes]:
        refusal = outcome.answer or "" if outcome.status == "withheld" and not event.shown else ""
        yield from self._text(refusal)
        text = event.shown + refusal
        whole = ended(self._response, self._item, text, outcome, told([outcome], self._tell))
        (message,) = whole.output
        (part,) = message.content
        yield self._event("response.output_text.done", **self._place, text=part.text, logprobs=[])
        yield self._event("response.content_part.done", **self._place, part=part.model_dump())
        yield self._event("response.output_item.done", output_index=0, item=message.model_dump())
        yield self._event(f"response.{whole.status}", response=dumped(whole))

    def fault(self, fault: ApiError) -> bytes:
        info = fault.body.error
        return self._event("error", code=info.code, message=info.message, param=info.param, error=info.model_dump())

    def last(self) -> Iterator[bytes]:
        return iter(())

    def _text(self, text: str) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield from self._opening()
        if text:
            yield self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def _opening(self) -> Iterator[bytes]:
        empty = OutputMessage(id=self._item, status="in_progress", content=[])
        yield self._event("response.created", response=dumped(self._response))
        yield self._event("response.in_progress", response=dumped(self._response))
        yield self._event("response.output_item.added", output_index=0, item=empty.model_dump())
        yield self._event("response.content_part.added", **self._place, part=OutputText(text="").model_dump())

    @property
    def _place(self) -> Mapping[str, Any]:
        return {"item_id": self._item, "output_index": 0, "content_index": 0}

    def _event(self, kind: str, **fields: Any) -> bytes:
        number, self._number = self._number, self._number + 1
        return sse.data({"type": kind, "sequence_number": number, **fields}, event=kind)

"""A response as it grows: OpenAI's events, numbered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from pipeline.server.asking import failure, outcome_of
from pipeline.server.faults import ApiError
from pipeline.server.responses.reply import OutputMessage, OutputText, ResponseObject, dumped, ended
from pipeline.server.service import Service
from pipeline.server.telling.told import told
from pipeline.server.wire import sse
from pipeline.server.work import Ended, Failed, Following, Part


class Events:
    """The events of one response of one message of one text."""

    def __init__(self, response: ResponseObject, item: str) -> None:
        self._response = response
        self._item = item
        self._number = 0
        self._begun = False

    def text(self, text: str) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield from self._opening()
        if text:
            yield self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def end(self, whole: ResponseObject) -> Iterator[bytes]:
        yield from self.text("")
        (message,) = whole.output
        (part,) = message.content
        yield self._event("response.output_text.done", **self._place, text=part.text, logprobs=[])
        yield self._event("response.content_part.done", **self._place, part=part.model_dump())
        yield self._event("response.output_item.done", output_index=0, item=message.model_dump())
        yield self._event(f"response.{whole.status}", response=dumped(whole))

    def fault(self, fault: ApiError) -> bytes:
        info = fault.body.error
        return self._event("error", code=info.code, message=info.message, param=info.param, error=info.model_dump())

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


async def streamed(
    service: Service, following: Following, response: ResponseObject, item: str
) -> AsyncGenerator[bytes, None]:
    """What goes over the wire. Raises `ApiError` as long as nothing has; later a fault is an event, and the last."""
    events, begun, whole = Events(response, item), False, None
    try:
        while whole is None:
            event = await following.next(service.options.keep_alive)
            said: Iterator[bytes] = iter((sse.KEEP_ALIVE,))
            if isinstance(event, Failed):
                raise failure(event)
            if isinstance(event, Part):
                said = events.text(event.text)
            if isinstance(event, Ended):
                whole, said = _ending(event, service, response, item, events)
            for chunk in said:
                begun = True
                yield chunk
    except ApiError as fault:
        if not begun:
            raise
        yield events.fault(fault)
    finally:
        following.cancel()


def _ending(
    event: Ended, service: Service, response: ResponseObject, item: str, events: Events
) -> tuple[ResponseObject, Iterator[bytes]]:
    outcome = outcome_of(event)
    refusal = outcome.answer or "" if outcome.status == "withheld" and not event.shown else ""
    text = event.shown + refusal
    whole = ended(response, item, text, outcome, told([outcome], service.options.tell))
    return whole, _both(events.text(refusal), events.end(whole))


def _both(one: Iterator[bytes], other: Iterator[bytes]) -> Iterator[bytes]:
    yield from one
    yield from other

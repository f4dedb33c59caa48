"""Looking at what the cache holds of a text: the text is read if need be, and nothing else is."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from pipeline.llama.engine.cells import mean_values
from pipeline.llama.engine.device import Device, Row
from pipeline.llama.engine.jobs import Job
from pipeline.llama.engine.requests import Looking, Seen


class LookingJob(Job):
    """Reads a prompt and looks at the cells of its end."""

    def __init__(self, request: Looking) -> None:
        # The last token is read anew, so that there is a step after which to look.
        super().__init__(request.prompt[:-1], (), request.seconds)
        self.future: Future[Seen] = Future()
        self._request = request

    @property
    def beyond(self) -> int:
        return 1

    @property
    def seen(self) -> tuple[int, ...]:
        return self._request.prompt[: self.position]

    def rows(self, room: int, outputs: int) -> list[Row]:
        if self.reading:
            return super().rows(room, outputs)
        return [Row(self._request.prompt[-1], self.position, self.sequence, False)] if room else []

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        was_reading = self.reading
        self.position += rows
        if was_reading:
            return
        self.done = True
        request, total = self._request, len(self._request.prompt)
        values = mean_values(device.save(self.sequence), request.start, total, request.layers)
        with suppress(InvalidStateError):  # cancelled in the meantime
            self.future.set_result(Seen(values, total - self.reused, self.reused))

    def cancelled(self) -> bool:
        return self.future.cancelled()

    def fail(self, error: Exception) -> None:
        self.done = True
        with suppress(InvalidStateError):
            self.future.set_exception(error)

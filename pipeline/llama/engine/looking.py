"""What the cache holds of a text: the text is read if need be, and nothing else is."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

from pipeline.llama.engine.cells import mean_values
from pipeline.llama.engine.device import Device, Row, Saved
from pipeline.llama.engine.jobs import FutureJob
from pipeline.llama.engine.requests import Looking, Saving, Seen

T = TypeVar("T")


class CellsJob(FutureJob[T]):
    """Reads a prompt and makes something of its cells."""

    def __init__(self, prompt: tuple[int, ...], seconds: float | None = None) -> None:
        # The last token is read anew, so that there is a step after which to look.
        super().__init__(prompt[:-1], (), seconds)
        self._prompt = prompt

    @abstractmethod
    def made_of(self, saved: Saved) -> T:
        """What is asked for. Raises `ModelFault`."""

    @property
    def beyond(self) -> int:
        return 1

    @property
    def seen(self) -> tuple[int, ...]:
        return self._prompt[: self.position]

    def rows(self, room: int, outputs: int) -> list[Row]:
        if self.reading:
            return super().rows(room, outputs)
        return [Row(self._prompt[-1], self.position, self.sequence, False)] if room else []

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        was_reading = self.reading
        self.position += rows
        if was_reading:
            return
        self.give(self.made_of(device.save(self.sequence)))


class LookingJob(CellsJob[Seen]):
    """Looks at the cells of the prompt's end."""

    def __init__(self, request: Looking) -> None:
        super().__init__(request.prompt, request.seconds)
        self._request = request

    def made_of(self, saved: Saved) -> Seen:
        request, total = self._request, len(self._prompt)
        values = mean_values(saved, request.start, total, request.layers)
        return Seen(values, total - self.reused, self.reused)


class SavingJob(CellsJob[Saved]):
    """Gives the cells away, to be planted in another engine."""

    def __init__(self, request: Saving) -> None:
        super().__init__(request.prompt)

    def made_of(self, saved: Saved) -> Saved:
        return saved

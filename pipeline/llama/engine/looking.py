"""What the cache holds of a text: the text is read if need be, and nothing else is."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

from pipeline.llama.engine.cells import mean_values
from pipeline.llama.engine.device import Device, Saved
from pipeline.llama.engine.jobs import FutureJob
from pipeline.llama.engine.requests import Looking, Saving, Seen

T = TypeVar("T")


class CellsJob(FutureJob[T]):
    """Reads what is not known of a prompt, and makes something of its cells."""

    def __init__(self, prompt: tuple[int, ...], seconds: float | None = None) -> None:
        super().__init__(prompt, (), seconds)

    @abstractmethod
    def made_of(self, saved: Saved) -> T:
        """What is asked for. Raises `ModelFault`."""

    @property
    def beyond(self) -> int:
        return 0

    def begin(self, device: Device, branches: list[int]) -> None:  # noqa: ARG002
        self._give_if_read(device)  # where all of it is known, no step comes

    def took(self, device: Device, first: int, rows: int) -> None:  # noqa: ARG002
        self.position += rows
        self._give_if_read(device)

    def _give_if_read(self, device: Device) -> None:
        if not self.reading:
            self.give(self.made_of(device.save(self.sequence)))


class LookingJob(CellsJob[Seen]):
    """Looks at the cells of the prompt's end."""

    def __init__(self, request: Looking) -> None:
        super().__init__(request.prompt, request.seconds)
        self._request = request

    def made_of(self, saved: Saved) -> Seen:
        request, total = self._request, len(self.ids)
        values = mean_values(saved, request.start, total, request.layers)
        return Seen(values, total - self.reused, self.reused)


class SavingJob(CellsJob[Saved]):
    """Gives the cells away, to be planted in another engine."""

    def __init__(self, request: Saving) -> None:
        super().__init__(request.prompt)

    def made_of(self, saved: Saved) -> Saved:
        return saved

"""A report that gathers what it needs as records pass by, so that its memory does not grow with them."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.batch.report.counts import Counts
from pipeline.batch.report.page import page
from pipeline.batch.report.worst import Worst
from pipeline.batch.task import Record
from pipeline.pages import matplotlib


class Report:
    """Is called with each record, drafts and all, in order; one of the `also` of a batch."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._worst = Worst()

    def __call__(self, record: Record) -> None:
        self._counts.add(record)
        self._worst.add(record)

    def page(self, asked: Mapping[str, str]) -> str:
        """The page. `asked` is what the batch was asked to do, as names and values."""
        return page(asked, self._counts, self._worst.drafts())


def needed() -> None:
    """Raise `ExtraMissing` now rather than after a night."""
    matplotlib()

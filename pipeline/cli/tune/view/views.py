"""Which view it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.cli.terminal.reporting import stdout
from pipeline.cli.tune.view.json_lines import JsonLines
from pipeline.cli.tune.view.report import Report
from pipeline.tuning import Event


@contextmanager
def shown(*, as_json: bool) -> Iterator[Callable[[Event], None]]:
    """A view on standard output, which leaves a terminal as it was."""
    if as_json:
        yield JsonLines()
        return
    report = Report(stdout())
    try:
        yield report
    finally:
        report.close()

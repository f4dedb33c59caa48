"""What is left to do: the records of the input that are not in the journal."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from pipeline.batch.keeping import Journal
from pipeline.batch.reading import Ids, Input, coming
from pipeline.batch.task import Given, Task
from pipeline.errors import BadInput


@contextmanager
def left_to_do(given: Input, journal: Journal) -> Iterator[Iterator[Task | None]]:
    """The tasks that are not done, in order; `None` where the next one has not come yet. A pipe is read in a thread of
    its own, since whoever writes to it may say nothing for hours. They raise `BadInput` as `_tasks` does."""
    with Ids() as ids:
        if given.again:
            yield _tasks(given.records(), journal, ids)
            return
        over = threading.Event()
        with closing(coming(_tasks(given.records(over), journal, ids), over)) as tasks:
            yield tasks


def _tasks(records: Iterable[Given], journal: Journal, ids: Ids) -> Iterator[Task]:
    """The tasks that are not done, in order. An id that was there before is a fault of its record.

    Raises `BadInput` where what is done answers another input than this one.
    """
    done = journal.entries()
    before = next(done, None)
    position = -1
    for position, given in enumerate(records):
        given = _once(given, ids)
        if before is None or before.position != position:
            yield Task(position, given)
            continue
        if before.mark != given.mark:
            raise BadInput(
                f"line {given.line} is not what it was when it was answered: give the same input, "
                "or --restart to begin anew"
            )
        before = next(done, None)
    if before is not None:
        raise BadInput(
            f"{len(journal.done)} records are done and the input has {position + 1}: give the same input, "
            "or --restart to begin anew"
        )


def _once(given: Given, ids: Ids) -> Given:
    # One that cannot be used takes no id from another: its own may be its line's number for want of a better one.
    if isinstance(given.asked, str) or (first := ids.first_line(given.id, given.line)) == given.line:
        return given
    return replace(given, asked=f"the id {given.id!r} is that of line {first} already")

"""What is left to do: the records of the input that are not in the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.batch.keeping import Journal
from pipeline.batch.reading import Ids
from pipeline.batch.task import Given, Task
from pipeline.errors import BadInput


def left_to_do(records: Iterable[Given], journal: Journal, ids: Ids) -> Iterator[Task]:
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
    first = ids.first_line(given.id, given.line)
    return (
        given if first == given.line else replace(given, asked=f"the id {given.id!r} is that of line {first} already")
    )

"""Which row of another run is which row of this one: that of which the same was judged, wherever it stands."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from pipeline.errors import BadInput
from pipeline.evaluation.judged import Judged
from pipeline.files.inputs import Id


class Known(Protocol):
    """A row, judged or not."""

    @property
    def set(self) -> str: ...
    @property
    def id(self) -> Id: ...
    @property
    def label(self) -> int: ...
    @property
    def exchange(self) -> str | None: ...


R = TypeVar("R", bound=Known)


def paired(this: Sequence[R], other: Sequence[Judged]) -> list[tuple[R, Judged]]:
    """The rows that both runs have, in the order of this one; of copies, the first with the first.

    An id does not tell which row it is: without one, it is the number of a line, and a line put in moves all after it.
    Raises `BadInput` where no row is in both, where one has another label, or where the other run does not say what it
    judged.
    """
    if lost := next((row for row in other if row.exchange is None), None):
        raise BadInput(f"row {lost.id} of {lost.set} in the other run does not say what was judged: judge it anew")
    theirs: dict[Hashable, deque[Judged]] = defaultdict(deque)
    for row in other:
        theirs[_key(row)].append(row)
    pairs, alone = [], []
    for one in this:
        there = theirs[_key(one)]
        if there:
            pairs.append((one, there.popleft()))
        else:
            alone.append(one)
    _refuse_two_labels(alone, [row for rows in theirs.values() for row in rows])
    if not pairs:
        raise BadInput("the other run judged none of the rows here: there is nothing to compare")
    return pairs


def _key(row: Known) -> Hashable:
    return row.exchange, row.label


def _refuse_two_labels(here: Sequence[Known], there: Sequence[Judged]) -> None:
    left = {row.exchange: row for row in there}
    for row in here:
        if (other := left.get(row.exchange)) is not None:
            raise BadInput(
                f"the row {row.id!r} of {row.set} is labelled otherwise in the other run, as {other.id!r} of "
                f"{other.set}: judge it anew by one label"
            )

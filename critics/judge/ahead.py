"""Reading a draft into the judge's prompt while it is written."""

from __future__ import annotations

from collections.abc import Callable

from critics.judge.model import Prompt, ReadAhead

STEP = 128
"""Characters that a draft grows by, at least, before more of it is read: some thirty tokens."""

TAIL = 24
"""Characters at its end that may still become other tokens."""


class Ahead:
    """Has the model read what of a growing draft will stand in the prompt that asks about it.

    `asked` makes that prompt for a text. What two of them have in common, one of which lacks the end, it will have in
    common with that for the whole draft: whatever the prompt looks like, and wherever in it the draft stands.
    """

    def __init__(self, read: ReadAhead, asked: Callable[[str], Prompt]) -> None:
        self._read = read
        self._asked = asked
        self._due = TAIL + 1

    def __call__(self, draft: str) -> None:
        if len(draft) >= self._due and self._read(lambda: [self._asked(draft), self._asked(draft[:-TAIL])]):
            self._due = len(draft) + STEP

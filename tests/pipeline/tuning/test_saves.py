"""One save is one, however an editor goes about it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tuning import POLL, Look, Saves
from pipeline.tuning.saves import AWAY


class Files:
    """What is seen, look by look, and the time that passes between."""

    def __init__(self) -> None:
        self.now = Look("first")
        self.time = 100.0
        self.saves = Saves(lambda: self.now, clock=lambda: self.time)

    def seen(self, *stamps: str | None, times: int = 1) -> list[float]:
        """The saves that were told, while the file looks like this, one look each; `None` where it is missing."""
        found = []
        for stamp in stamps * times:
            self.time += POLL
            self.now = Look("missing", whole=False) if stamp is None else Look(stamp)
            if (since := self.saves.seen()) is not None:
                found.append(round(since - 100, 6))
        return found


def test_a_file_that_stays_as_it_is_was_not_saved() -> None:
    """However often one looks."""
    assert Files().seen("first", times=50) == []


def test_a_save_is_told_once_and_since_when() -> None:
    """At the second look that sees it: the first may have seen half of it."""
    files = Files()
    assert files.seen("first", "second") == []
    assert files.seen("second") == [round(2 * POLL, 6)]
    assert files.seen("second", times=20) == []


def test_several_saves_in_quick_succession_are_one() -> None:
    """Truncated, written, written again: it counts when it has come to rest, and since the first."""
    files = Files()
    assert files.seen("empty", "half", "whole") == []
    assert files.seen("whole") == [POLL]


def test_a_file_that_is_replaced_is_not_missing() -> None:
    """Taken away and put back by the editor, a moment later and with other words."""
    files = Files()
    assert files.seen(None, None, None, "second") == []
    assert files.seen("second") == [POLL]


def test_a_file_that_is_put_back_as_it_was_was_not_saved() -> None:
    """Nothing came of it."""
    assert Files().seen(None, None, "first", "first", times=3) == []


def test_a_file_that_stays_away_is_told() -> None:
    """After a while, once; and that it is back again, as soon as it is."""
    files = Files()
    looks = round(AWAY / POLL) + 2
    assert files.seen(None, times=looks) == [POLL]
    assert files.seen(None, times=50) == []
    assert len(files.seen("second", "second")) == 1


@given(st.lists(st.sampled_from(["first", "a", "b", None]), max_size=60), st.sampled_from(["first", "a", "b"]))
def test_what_is_there_in_the_end_is_what_was_told_last(looks: list[str | None], last: str) -> None:
    """Whatever happened before, no save is missed."""
    files = Files()
    told = "first"
    for stamp in [*looks, last, last]:
        if files.seen(stamp):
            told = files.now.stamp if files.now.whole else "missing"  # type: ignore[assignment]  # they are words here
    assert told == last

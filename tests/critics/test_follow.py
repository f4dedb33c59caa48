"""Critics that read a draft while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from critics import Exchange, Finding, Follow, Message, Panel, Rule, following

ASKED = Exchange((Message("user", "Hello?"),))
RULES = (
    Rule(id="sure", statement="A.", critics=("reader",)),
    Rule(id="both", statement="B.", critics=("other", "reader")),
    Rule(id="later", statement="C.", critics=("other", "reader"), open_between=(0.1, 0.9)),
    Rule(id="first", statement="D.", critics=("reader", "other"), open_between=(0.1, 0.9)),
    Rule(id="elsewhere", statement="E.", critics=("other",)),
)


class Reader:
    """Follows, and remembers what it was told; `breaks` where it does."""

    def __init__(self, breaks: str = "") -> None:
        self.rules: list[str] = []
        self.drafts: list[str] = []
        self.ended = False
        self._breaks = breaks

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return []

    @contextmanager
    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Follow | None]:
        if self._breaks == "begin":
            raise RuntimeError("no")
        self.rules = [rule.id for rule in rules]
        with suppress(KeyError):  # which is not its own
            yield None if self._breaks == "nothing" else self._told
        self.ended = True
        if self._breaks == "end":
            raise RuntimeError("no")

    def _told(self, draft: str) -> None:
        self.drafts.append(draft)
        if self._breaks == "told":
            raise RuntimeError("no")


def deaf(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    return []


def test_a_critic_is_told_of_the_draft_until_it_is_done() -> None:
    reader = Reader()
    with following(reader, ASKED, RULES) as told:
        assert told is not None
        told("One")
        told("One two")
        assert not reader.ended
    assert (reader.drafts, reader.ended) == (["One", "One two"], True)


@pytest.mark.parametrize("critic", [deaf, Reader("begin"), Reader("nothing")])
def test_one_that_does_not_follow_is_not_told(critic: Reader) -> None:
    with following(critic, ASKED, RULES) as told:
        assert told is None


def test_one_that_breaks_is_told_no_more_and_nobody_notices() -> None:
    reader = Reader("told")
    with following(reader, ASKED, RULES) as told:
        assert told is not None
        told("One")
        told("One two")
    assert (reader.drafts, reader.ended) == (["One"], True)


def test_one_that_breaks_at_its_end_breaks_nothing_else() -> None:
    reader = Reader("end")
    with following(reader, ASKED, RULES) as told:
        assert told is not None
    assert reader.ended


def test_no_critic_makes_an_error_go_away() -> None:
    """Or a draft that a fault cut short would be taken for a whole one."""
    reader = Reader()
    with pytest.raises(KeyError), following(reader, ASKED, RULES):
        raise KeyError
    assert reader.ended


def test_of_a_panel_those_follow_who_will_be_asked_in_any_case() -> None:
    """Not a critic of whom it depends on others whether it is asked."""
    reader, other = Reader(), Reader()
    with Panel({"reader": reader, "other": other}).follow(ASKED, RULES) as told:
        assert told is not None
        told("One")
    assert reader.rules == ["sure", "both", "first"]
    assert other.rules == ["both", "later", "elsewhere"]
    assert reader.drafts == other.drafts == ["One"]
    assert reader.ended
    assert other.ended


def test_a_panel_of_which_nobody_follows_is_not_told() -> None:
    nobody: list[AbstractContextManager[Follow | None]] = [
        Panel({"reader": deaf, "other": Reader("nothing")}).follow(ASKED, RULES),
        Panel({"reader": Reader()}).follow(ASKED, [rule for rule in RULES if rule.id == "later"]),
    ]
    for panel in nobody:
        with panel as told:
            assert told is None

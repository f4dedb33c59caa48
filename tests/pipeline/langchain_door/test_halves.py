"""Characters that come in halves."""

from __future__ import annotations

import pytest

from pipeline.langchain_door.halves import Halves


@pytest.mark.parametrize(
    ("pieces", "given"),
    [
        (["plain", ""], ["plain", "", ""]),
        (["a\ud83d", "\ude00b"], ["a", "\U0001f600b", ""]),
        (["\ud83d", "", "\ude00"], ["", "", "\U0001f600", ""]),
        (["a\ud83d", "b"], ["a", "\ufffdb", ""]),
        (["\ude00a"], ["\ufffda", ""]),
        (["a\ud83d"], ["a", "\ufffd"]),
        (["\ud83d", "\ud83d\ude00"], ["", "\ufffd\U0001f600", ""]),
        (["\ud800", "\udc00\udbff", "\udfff"], ["", "\U00010000", "\U0010ffff", ""]),
    ],
)
def test_only_whole_characters_are_given(pieces: list[str], given: list[str]) -> None:
    """A first half waits for the second; what stays half is replaced, and given once."""
    halves = Halves()
    assert [*map(halves.feed, pieces), halves.rest()] == given
    assert halves.rest() == ""

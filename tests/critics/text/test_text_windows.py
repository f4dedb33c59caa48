from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.text.windows import windows

TEXTS = st.lists(st.sampled_from(["word ", "a", "Long. ", "End!\n", "\u4f60\u3002", "x" * 9, " "]), max_size=60).map(
    "".join
)


def pieces(text: str) -> int:
    """Like a tokenizer: runs of up to four letters, and everything else one by one."""
    return len(re.findall(r"\w{1,4}|\W", text))


def merges(text: str) -> int:
    """A tokenizer for which a part can cost more than the whole: `word` is one token, `wor` three."""
    return len(re.findall(r"word|[\s\S]", text))


def glues(text: str) -> int:
    """A tokenizer that reads over the end of a sentence: `g. H` is one token, `g.` two."""
    return len(re.findall(r"\w\. \w|[\s\S]", text))


SIZES = st.integers(1, 30).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))
MEASURES = st.sampled_from([len, pieces, merges, glues])


@given(TEXTS | st.text(), SIZES, MEASURES)
def test_no_character_is_left_out(text: str, sizes: tuple[int, int], measure: object) -> None:
    """The first window begins the text, the last ends it, and none begins after the one before it ended."""
    assert callable(measure)
    found = windows(text, size=sizes[0], overlap=sizes[1], measure=measure)
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(one.start < two.start <= one.end < two.end for one, two in pairwise(found))


@given(TEXTS | st.text(), SIZES, MEASURES)
def test_every_window_fits(text: str, sizes: tuple[int, int], measure: object) -> None:
    """No window measures more than its size, by whatever measure."""
    assert callable(measure)
    for span in windows(text, size=sizes[0], overlap=sizes[1], measure=measure):
        assert measure(text[slice(*span)]) <= sizes[0]


@given(TEXTS, st.integers(4, 30), st.sampled_from([len, pieces]))
def test_neighbours_overlap(text: str, size: int, measure: object) -> None:
    """Where a character of overlap has room, neighbours share some text, and never more than asked."""
    assert callable(measure)
    for one, two in pairwise(windows(text, size=size, overlap=size // 2, measure=measure)):
        assert two.start < one.end
        assert measure(text[two.start : one.end]) <= size // 2


def test_windows_are_cut_after_sentences() -> None:
    """Where a sentence ends in the later half of a window, the window ends with it; the next begins with one."""
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    found = [text[slice(*span)] for span in windows(text, size=36, overlap=18, measure=len)]
    assert found == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "Seven eight nine. Ten eleven twelve.",
    ]


def test_without_sentences_windows_are_cut_at_spaces() -> None:
    """A long sentence is cut between words."""
    text = "alpha beta gamma delta epsilon zeta eta theta"
    found = [text[slice(*span)] for span in windows(text, size=16, overlap=0, measure=len)]
    assert [window.strip() for window in found] == ["alpha beta gamma", "delta epsilon", "zeta eta theta"]


def test_without_spaces_windows_are_cut_anywhere() -> None:
    """An endless word is still covered, in windows as long as they may be."""
    found = windows("x" * 25, size=10, overlap=2, measure=len)
    assert found == ((0, 10), (8, 18), (16, 25))


def test_a_text_that_fits_is_one_window() -> None:
    """So is the empty text: there is always something to judge."""
    assert windows("Short.", size=10, overlap=3, measure=len) == ((0, 6),)
    assert windows("", size=10, overlap=3, measure=len) == ((0, 0),)


def test_a_cut_that_costs_more_than_it_saves_is_not_made() -> None:
    """Where the part up to the end of a sentence measures more than the whole window, the window is kept."""
    assert windows("abcdefg. Hijklmnop", size=7, overlap=0, measure=glues)[0] == (0, 10)


def test_an_overlap_that_leaves_no_room_is_given_up() -> None:
    """Before a character that fills a window by itself, the next window begins afresh."""
    found = windows("aaa\u4f60bbb", size=3, overlap=2, measure=lambda text: len(text.encode()))
    assert found[:2] == ((0, 3), (3, 4))


def test_a_character_that_is_too_large_stands_alone() -> None:
    """Progress is made even where one character measures more than a window may."""
    found = windows("a\u4f60b", size=2, overlap=1, measure=lambda text: len(text.encode()))
    assert [span for span in found if span.start <= 1 < span.end] == [(1, 2)]
    assert found[-1].end == 3


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, 6), (5, -1)])
def test_sizes_that_make_no_sense_are_refused(size: int, overlap: int) -> None:
    """A window has room, and more of it than it shares."""
    with pytest.raises(ValueError, match="overlap < size"):
        windows("text", size=size, overlap=overlap, measure=len)


def test_a_long_text_is_measured_seldom() -> None:
    """Finding a cut takes a number of measurements that grows with the logarithm of the window, not its length."""
    calls = 0

    def counted(text: str) -> int:
        nonlocal calls
        calls += 1
        return len(text) // 4

    found = windows("A short sentence. " * 5_000, size=500, overlap=100, measure=counted)
    assert calls < 40 * len(found)

"""Tokens' bytes become text that may be shown at once."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llama.engine.text import TextStream

BYTES = st.text("abé€😀").map(str.encode) | st.binary(max_size=20)
STOPS = st.lists(st.text("abé", min_size=1, max_size=4), max_size=3)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def shown(parts: list[bytes], stop: list[str]) -> tuple[str, bool]:
    stream = TextStream(stop)
    text = "".join(map(stream.feed, parts))
    return text + stream.rest(), stream.stopped


@given(BYTES, st.lists(st.integers(0, 99), max_size=8), STOPS)
def test_however_the_bytes_are_cut_the_text_ends_before_the_first_stop(
    data: bytes, places: list[int], stop: list[str]
) -> None:
    """The first stop is the one that ends first; without one, all of the text is shown."""
    text = data.decode("utf-8", "replace")
    found = [match.span()[::-1] for word in stop if (match := re.search(re.escape(word), text))]
    expected = text[: min(found)[1]] if found else text
    assert shown(cut(data, places), stop) == (expected, bool(found))


@given(BYTES, STOPS)
def test_nothing_is_shown_that_must_be_taken_back(data: bytes, stop: list[str]) -> None:
    """What is shown after each byte is the beginning of what is shown in the end."""
    whole, _stopped = shown([data], stop)
    stream, text = TextStream(stop), ""
    for place in range(len(data)):
        text += stream.feed(data[place : place + 1])
        assert whole.startswith(text)


def test_a_character_waits_for_its_last_byte() -> None:
    """Half a character is no text."""
    stream = TextStream()
    assert [stream.feed(bytes([byte])) for byte in "€".encode()] == ["", "", "€"]


def test_half_a_character_at_the_end_is_said_to_be_one() -> None:
    """It is not swallowed."""
    stream = TextStream()
    assert stream.feed("€".encode()[:2]) + stream.rest() == "\ufffd"


def test_text_that_may_be_a_stop_is_held_back_until_it_is_plain() -> None:
    """And no more of it than that."""
    stream = TextStream(["\n\nUser:"])
    assert [stream.feed(part) for part in (b"Hi\n", b"\nUs", b"es\n", b"\nUser", b": x")] == [
        "Hi", "", "\n\nUses", "", "",
    ]  # fmt: skip
    assert stream.stopped
    assert stream.rest() == ""


@pytest.mark.parametrize("stop", [(), ("",)])
def test_no_stop_holds_nothing_back(stop: tuple[str, ...]) -> None:
    """An empty stop string is none."""
    assert TextStream(stop).feed(b"text") == "text"

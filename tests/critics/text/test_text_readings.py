"""What else a word may be read as, and what it may not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.text.readings import readings

TRICKY = st.text(
    st.sampled_from(
        list("ab oTe\u0640\u064e\u05b8\u0627\u0430\u043e\u0451\u0439\u03bf\u03ac\u0561\u13aa \u0301\u200b\ufb01\u1d00")
    ),
    max_size=16,
)


def read(text: str) -> list[str]:
    return [reading.text for reading in readings(text)]


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("\u043ao\u0442", "\u043a\u043e\u0442"),
        ("\u041fP\u0418BET \u0438 \u043cama", "\u041f\u0420\u0418\u0412\u0415\u0422 \u0438 \u043c\u0430\u043c\u0430"),
        ("\u03bco\u03c5, \u03bc\u00f3\u03bd\u03bf", "\u03bc\u03bf\u03c5, \u03bc\u03cc\u03bd\u03bf"),
        ("No\u00ebl, p\u043et", "No\u00ebl, \u0440\u043e\u0442"),
    ],
)
def test_a_word_with_some_latin_letters_is_read_in_the_others(text: str, home: str) -> None:
    """Russian or Greek with accents and all; words of one script stay."""
    assert home in read(text)


@pytest.mark.parametrize(
    ("text", "posed"),
    [
        ("I \u041d\u0410\u0422\u0415 you", "I HATE you"),
        ("we \u041d\u0410\u0422\u0415, 5 \u0441\u043e\u0440\u0455!", "we HATE, 5 cops!"),
        ("\u041d\u0410\u0422\u0415 \u0443ou", "HATE you"),
        ("\u0406 \u041d\u0410\u0422\u0415 you", "I HATE you"),
        ("\u041d\u0410\u0422\u0415!", "HATE!"),
    ],
)
def test_a_word_of_lookalikes_among_latin_ones_is_read_as_they_are(text: str, posed: str) -> None:
    """At the end of the text, too, beside others of its kind, and where there are no words but these."""
    assert posed in read(text)


@pytest.mark.parametrize(
    "text",
    [
        "\u0443 \u043d\u0435\u0433\u043e \u0440\u043e\u0442 \u0438 \u043d\u043e\u0441",
        "say \u0440\u043e\u0442 \u0438 \u043d\u043e\u0441",
        "\u0441\u043b\u043e\u0432\u043e \u0440\u043e\u0442 means mouth",
        "where \u03bf and \u03bd are small",
        "\u4f60\u597d \u0440\u043e\u0442",
        "Hello, caf\u00e9",
    ],
)
def test_a_word_among_its_own_is_read_as_it_is(text: str) -> None:
    """Or of one letter."""
    assert read(text) == []


@given(TRICKY)
def test_places_lead_back_into_the_original(text: str) -> None:
    """As those of the normal form do."""
    for reading in readings(text):
        assert len(reading.offsets) == len(reading.text) + 1
        assert list(reading.offsets) == sorted(reading.offsets)
        assert reading.offsets[-1] == len(text)


@pytest.mark.parametrize(
    "unit", ["\u0440\u043e\u0442 ", "h\u0310", "\u0643\u0650\u0640", "p\u043et ", "\u0440\u043e\u0442 pot ", "\u0440"]
)
def test_long_texts_are_quick(unit: str) -> None:
    began = time.thread_time()
    list(readings(unit * (100_000 // len(unit))))
    assert time.thread_time() - began < 2.0

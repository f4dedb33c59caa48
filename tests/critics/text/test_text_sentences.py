from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.text.sentences import sentences

PIECES = (
    "Dr.",
    " ",
    "e.g.",
    "\n",
    "A",
    "bc",
    "1.",
    "3.14",
    "?!",
    "...",
    '"',
    ")",
    "\u3002",
    "\u300d",
    "- ",
    "U.S.",
    ",",
    "\x85",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text()


def split(text: str) -> list[str]:
    return [text[slice(*span)] for span in sentences(text)]


@given(TEXTS)
def test_sentences_and_the_gaps_between_give_the_text_back(text: str) -> None:
    """Spans are in order and do not overlap, and nothing but white space lies between them."""
    done = 0
    for span in sentences(text):
        assert done <= span.start < span.end <= len(text)
        assert not text[done : span.start].strip()
        assert text[slice(*span)].strip() == text[slice(*span)]
        done = span.end
    assert not text[done:].strip()


@pytest.mark.parametrize(
    "parts",
    [
        ["One sentence.", "Another one!", "A third?"],
        ["Dr. Smith met Mrs. Jones.", "They talked."],
        ["Use fruit, e.g. apples, i.e. sweet ones.", "Or nuts etc. as well."],
        ["He bought pens, paper, etc.", "Then he left."],
        ["It moved from the U.S. Army to the U.S. in 1999.", "It stayed."],
        ["He lives in the U.S.", "He likes it."],
        ["Pi is 3.14 and e is 2.72.", "See example.com for more."],
        ["See Fig. 3 and No. 5.", "No.", "That is all."],
        ["J. R. Smith wrote it.", "We read it."],
        ["Wait... what?", "Well...", "No idea?!", "Really!!!"],
        ["\u201cReally?\u201d she asked.", "\u201cYes.\u201d", "He left (at last).", "Good."],
        ["**Bold.**", "_Next._", "Last"],
        ["what?", "no problem.", "fine then."],
        [
            "\u4f60\u597d\u3002",
            "\u4ed6\u8bf4\uff1a\u300c\u597d\uff01\u300d",
            "\u4e3a\u4ec0\u4e48\uff1f",
            "\u56e0\u4e3a",
        ],
        ["Das kostet z.B. drei Euro bzw. vier.", "Gut."],
        ["\u0915\u094d\u092f\u093e \u0939\u0948\u0964", "\u0920\u0940\u0915\u0964"],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    """Abbreviations, initials, decimals, ellipses, quotations and CJK stops are read as people read them."""
    joiner = "" if parts[0].startswith("\u4f60") else " "
    assert split(joiner.join(parts)) == parts


def test_lines_and_list_items_are_sentences() -> None:
    """A heading, each item of a list with its number, and the lines around blank ones stand alone."""
    text = "# Title\n\n1. First item. It has two.\n2. Second\n- third\r\n* fourth"
    assert split(text) == ["# Title", "1. First item.", "It has two.", "2. Second", "- third", "* fourth"]


@pytest.mark.parametrize("unit", ["a. ", ".", "((((a. ", "- ", "?!x", '."', "Dr. ", "\n"])
def test_a_long_text_is_split_quickly(unit: str) -> None:
    """Time is linear even in texts made of nothing but stops and brackets."""
    began = time.thread_time()
    sentences(unit * (100_000 // len(unit)))
    assert time.thread_time() - began < 2.0

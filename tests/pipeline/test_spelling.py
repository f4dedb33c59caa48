"""Structured things as the text that they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from critics import ToolCall
from pipeline.structured import leaves, parsed, said_by, spelled, written

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (key, *texts(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


@given(JSON, st.booleans())
def test_every_word_stands_in_what_is_said(value: object, ascii_only: bool) -> None:
    """As it is, whatever JSON made of it."""
    said = said_by(json.dumps(value, ensure_ascii=ascii_only))
    assert all(text in said for text in texts(value))


def test_objects_say_what_is_in_them() -> None:
    """By their fields, or as they write themselves: no word is escaped there either."""

    @dataclass
    class Page:
        text: str

    class Asked(BaseModel, extra="allow"):
        pages: list[Page]

    given = Asked(pages=[Page("Über\nuns")], at=PurePosixPath("/Übung"))
    assert list(leaves({"a": given, "b": [], "c": None})) == [
        "a.pages.text: Über\nuns", "a.at: /Übung", "b: []", "c: null",
    ]  # fmt: skip


@given(JSON)
def test_what_is_written_reads_as_it_was(value: object) -> None:
    """Nothing is lost on the way."""
    assert parsed(written(value)) == value


def test_a_call_is_its_name_and_its_arguments() -> None:
    """Each on a line, behind the names that lead to it."""
    call = ToolCall("mail", '{"to": ["a", "b"], "body": {"text": "x\\ny", "urgent": true}}')
    assert spelled(call) == "mail\nto: a\nto: b\nbody.text: x\ny\nbody.urgent: true"
    assert spelled(ToolCall("look", "{}")) == "look"


def test_escapes_hide_nothing_in_what_is_no_whole_json() -> None:
    """Such as an answer that was cut off."""
    assert said_by('{"a": "\\u0072ude\\nword') == '{"a": "rude\nword'


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "1e999", "{", "[" * 100_000, "[" * 600 + "]" * 600, "", "1" * 5000]
)
def test_what_cannot_be_written_back_is_not_json(text: str) -> None:
    """Python reads more than JSON has."""
    with pytest.raises(ValueError, match=r"."):
        parsed(text)


def test_two_escapes_that_are_one_letter_are_one() -> None:
    """Of an answer that was cut off; half of one is no letter."""
    cut = '{"a": "\\ud835\\udc1bomb'
    assert said_by(cut) == '{"a": "\U0001d41bomb'
    assert "\ufffd" in said_by(cut.replace("\\udc1b", ""))

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.patterns import pitfall
from critics.patterns.syntax import shown


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*", "(a+?)+?", "(a|a)*", "(ab|ab)*", "(a|aa)+", r"(\w+\s?)+", r"^(\w+\s?)*$", "(x+x+)+y",
        "(.*,)*x", r"(\d+|\w+)*", r"(?:[a-z]+\d*)+", "(a{1,3})+", r"(\pL+\s*)+", "([[:alpha:]]+)+", r"(\p{Greek}+)*",
        "(.+)+", r"(?:\Qa\E+)+", r"(?i)(?:\d+\.?)+", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(?:\s*\w+\s*)*", "((?:a|b)+)+",
        "(a|ab|b)*c", r"[(]?(\x{61}+)+", r"(\pL|\w)+x", r"([^\pL]|,)+x", r"(\p{Greek}+\pL?)+",
    ],
)  # fmt: skip
def test_an_ambiguous_repetition_is_told_with_the_cure(pattern: str) -> None:
    """Nested, doubled and overlapping repetitions that backtrack catastrophically, in RE2's own syntax too."""
    assert "exponentially" in (pitfall(pattern) or "")
    assert "rather than" in (pitfall(pattern) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\w+, )*\w+", "(?:ab)+", r"(\d+\.)+\d", "(a|b)*", r"(?:\d{3},?)+", r"([\w-]+\.)+\w+", r"https?://\S+",
        "[aa]+",
        "(?:foo|bar|baz)+", r"\b(?:a+b)+\b", r"(?:\p{L}+\s)+", "(?:(?:ab)*c)*", r"[\w.+-]+@[\w-]+\.[\w.]+", r"\s*,\s*",
        ".*foo.*bar", r'"(?:[^"\\]|\\.)*"', "(?s:.)*", "", r"[(?i)|]+", r"(?m)^#+\s.*$", r"(?:\d+(?:,\d+)*;)+",
        r"(\w+(?:-\w+)*\s)*", r"(?i)\bas an? (?:ai|large) (?:language )?model\b", r"(?:very\s)+good", "(a+)(a+)",
        r"(\pL+\PL)+", r"([^\pL]+\pL)+", r"(?:\pL|\pN)+x", r"(?:\p{Lu}|\p{Ll}|\p{^L})*x", r"(\p{Greek}|\p{Cyrillic})+x",
    ],
)  # fmt: skip
def test_an_ordinary_pattern_raises_no_alarm(pattern: str) -> None:
    """Lists, numbers, addresses and phrases are left in peace."""
    assert pitfall(pattern) is None


@pytest.mark.parametrize(
    "pattern", ["(a", "[z-a]+", "a" * 5_000, "(" * 600 + "a" + ")" * 600, "(?:" + "a?b?" * 200 + ")+"]
)
def test_a_pattern_that_cannot_be_read_is_left_to_others(pattern: str) -> None:
    """Faulty and enormous patterns are no business of this check."""
    assert pitfall(pattern) is None


@given(st.text(st.sampled_from("ab.\\w\\s|()[]*+?{}12,^$(?:") | st.characters(), max_size=30))
def test_it_never_fails_nor_hangs(pattern: str) -> None:
    """Whatever is written as a pattern, the answer comes at once."""
    began = time.thread_time()
    found = pitfall(pattern)
    assert time.thread_time() - began < 2.0
    assert found is None or found.startswith(f"what `{shown(pattern)}` repeats can split a run such as ")

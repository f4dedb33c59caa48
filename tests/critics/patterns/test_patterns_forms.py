"""A pattern that is typed as typographers set it, and what it is for a text that is normalised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.patterns.forms import forms
from critics.patterns.regex import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "retyped"),
    [
        ("cafe\u0301+s?", "caf\u00e9+s?"),
        ("(?i)\\bdon\u2019?t\\b", "(?i)\\bdon'?t\\b"),
        ("wait\u2026+|fine", r"wait(?:\.\.\.)+|fine"),
        ("\ufb01nd[a-z]", "(?:fi)nd[a-z]"),
        ("ab\uff08c", r"ab\(c"),
        ("a\u00a0priori", r"a\ priori"),
        ("well\u2011known", r"well\-known"),
        ("10\u201320", r"10\-20"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_a_pattern_is_typed_anew_for_a_normalised_text(pattern: str, retyped: str) -> None:
    """What stands for itself becomes what it is there; what means something goes on meaning it."""
    assert forms(pattern) == (pattern, retyped)


@pytest.mark.parametrize(
    "pattern",
    [
        "don't",
        "\u2013",
        "\\w\u2013\\w",
        " \u2014 |[\u2018\u2019]",
        "\u2026$",
        "\u00a0",
        "\ufb01",
        "foo\u200bbar",
        "m\u00b2",
        "10\u00b2",
        "Acme\u2122",
        "\u2116 5",
        "[\u0400-\u04ff]+",
        "\\bp\u0430y",
        "\\b\u043a\u043e\u0442",
        r"\Qdon\E\x{2019}",
    ],
)
def test_who_means_the_character_itself_gets_no_other(pattern: str) -> None:
    """A dash, a quote, a hard space or a ligature by itself, a class, an invisible character, a letter of another
    script: who forbids the long dash does not forbid the hyphen."""
    assert forms(pattern) == (pattern,)


@given(
    st.text(
        st.sampled_from("ae\u0301\u0307\u2019\u2026\u00bd\ufb01\uff08 .*+?()[]{}|^$\\dbQE-12P<>:\u200b"), max_size=12
    )
)
def test_what_compiles_compiles_in_its_other_form_as_well(pattern: str) -> None:
    """Whatever stands next to what."""
    try:
        compile_pattern(pattern, case_sensitive=True)
    except PatternError:
        return
    typed, *others = forms(pattern)
    assert (typed, len(others) < 2) == (pattern, True)
    assert all(compile_pattern(form, case_sensitive=True) for form in others)

"""Forbidden words under marks, in letters of other scripts and drawn out, in the text and in the rule."""

from __future__ import annotations

from typing import Any

import pytest

from critics import Exchange, Patterns, PatternsCritic, Rule


def breaks(text: str, **options: Any) -> bool:
    rule = Rule(id="r", statement="S.", critics=("patterns",), patterns=Patterns(**options))
    return PatternsCritic()(Exchange((), text), [rule])[0].probability == 1.0


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("\u0643\u062a\u0627\u0628", "\u0643\u0640\u062a\u0640\u0640\u0627\u0628"),
        ("\u0643\u062a\u0627\u0628", "\u0640\u0643\u062a\u0627\u0628\u0640"),
        ("\u0643\u0640\u062a\u0627\u0628", "\u0643\u062a\u0627\u0628"),
        ("\u0643\u062a\u0627\u0628", "\u0643\u0650\u062a\u064e\u0627\u0628"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"),
        ("\u03c3\u03bf\u03c6\u03cc\u03c2", "\u03f2\u03bf\u03c6\u03cc\u03f2"),
        ("\u03f2\u03bf\u03c6\u03cc\u03f2", "\u03c3\u03bf\u03c6\u03cc\u03c2"),
        ("cash", "\u03f2ash"),
        ("cash", "\u03f9ASH"),
        ("hate", "h\u0310a\u033dt\u035be\u031a"),
        ("hate", "hat\u0310e"),
        ("hate", "\u041d\u0410\u0422\u0415"),
        ("hope cap", "\u041d\u043e\u0440\u0435 \u0441\u0430\u0440"),
        ("h\u0337a\u0337t\u0337e\u0337", "hate"),
    ],
)
def test_a_disguise_is_seen_through(word: str, text: str) -> None:
    """Whichever of the two wears it."""
    assert breaks(f"{text}!", forbid_words=(word,))
    assert breaks(f"{text}!", forbid=(word,))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("\u0643\u0650\u062a\u064e\u0627\u0628", "\u0643\u062a\u0627\u0628"),
        ("h\u0430te", "hate"),
        ("\u043ao\u0442", "\u043a\u043e\u0442"),
    ],
)
def test_a_word_of_a_list_may_wear_more(word: str, text: str) -> None:
    """An expression with such a letter or sign means it."""
    assert breaks(f"{text}!", forbid_words=(word,))
    assert not breaks(f"{text}!", forbid=(word,))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("hate", "h\u00e0t\u00e9"),
        ("pot", "\u0443 \u043d\u0435\u0433\u043e \u0440\u043e\u0442"),
        ("\u0627\u062d\u0645\u0642", "\u0623\u062d\u0645\u0642"),
        ("\u0440\u043e\u0442", "pot"),
        ("\u043d\u0430\u0442\u0435", "hate"),
        ("\u0640", "\u0643\u062a\u0627\u0628"),
    ],
)
def test_another_word_is_another(word: str, text: str) -> None:
    """With letters that have their accents, in its own language, or in a rule that means it as it stands."""
    assert not breaks(f"{text}!", forbid_words=(word,))
    assert not breaks(f"{text}!", forbid=(word,))


def test_a_line_that_draws_letters_out_can_itself_be_forbidden() -> None:
    """It is there in the text as it stands."""
    assert breaks("\u0643\u0640\u062a\u0627\u0628", forbid=("\u0640",))


def test_a_word_without_its_marks_is_found_where_it_stands() -> None:
    """With all that decks it."""
    text = "so h\u0310ate\u031a it"
    rule = Rule(id="r", statement="S.", critics=("patterns",), patterns=Patterns(forbid_words=("hate",)))
    (span,) = PatternsCritic()(Exchange((), text), [rule])[0].spans
    assert text[slice(*span)] == "h\u0310ate\u031a"

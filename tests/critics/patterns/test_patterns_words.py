from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.patterns.words import compile_words, word_spans


def said(text: str, *words: str, case_sensitive: bool = False) -> list[str]:
    return [text[slice(*span)] for span in compile_words(words, case_sensitive=case_sensitive).spans(text)]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "The CAT sat."),
        ("cat", "(cat)"),
        ("cat", "cat's"),
        ("cat", "_cat_ **cat**"),
        ("as an AI", "As an\n  AI, I"),
        ("C++", "C++ or C++11"),
        (".NET", "ASP.NET"),
        ("!", "Yes!"),
        ("don't", "I don't."),
        ("caf\u00e9", "CAF\u00c9"),
        ("\u043a\u043e\u0442", "\u0417\u0434\u0435\u0441\u044c \u041a\u043e\u0442."),
        ("\u7981\u6b62", "\u8fd9\u662f\u7981\u6b62\u7684"),
        ("AI", "\u6211\u662fAI\u52a9\u624b"),
        ("new", "new yorker"),
        ("a a", "xa a a"),
        ("schei\u00dfe", "SCHEISSE!"),
        ("SCHEISSE", "Schei\u00dfe!"),
        ("die Stra\u00dfe", "DIE STRASSE"),
        ("i\u0307stanbul", "ISTANBUL"),
        ("istanbul", "\u0130STANBUL'da"),
        ("\u0130stanbul", "istanbul"),
        ("\u03bf\u03b4\u03cc\u03c2", "\u039f\u0394\u038c\u03a3"),
        ("\u03c4\u03b1\u0390\u03b6\u03c9", "\u03a4\u0391\u03aa\u0301\u0396\u03a9"),
        ("\ufb01nd", "FIND"),
    ],
)
def test_a_whole_word_is_found(word: str, text: str) -> None:
    """In any case, next to punctuation or underscores, over line breaks, and in scripts without spaces."""
    assert said(text, word)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "category concat scatter"),
        ("cat", "cat_name my_cat cat9"),
        ("as an AI", "as an AIR has an AI"),
        ("resume", "re\u0301sume\u0301 resume\u0301"),
        ("\u0939\u093f\u0928", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("C++", "C+ +"),
        ("as AI", "asAI"),
        ("", "anything"),
        (" ", "any thing"),
        ("sik", "s\u0131k"),
        ("s", "\u00df"),
        ("\u304b", "\u304c"),
    ],
)
def test_a_part_of_a_word_is_not(word: str, text: str) -> None:
    """A letter, a digit or a mark at its edge makes it another word."""
    assert not said(text, word)


def test_case_counts_where_it_is_asked_for() -> None:
    """`US` is not `us`."""
    assert said("Us or US", "US", case_sensitive=True) == ["US"]


def test_of_two_that_begin_together_the_longer_is_found() -> None:
    """Where the longer one is not whole the shorter one is."""
    assert said("new york, new yorker", "new", "new york") == ["new york", "new"]


@given(st.text(), st.text(max_size=6), st.booleans())
def test_a_word_between_spaces_is_always_found(text: str, word: str, strict: bool) -> None:
    """Any word at all that stands alone is found, unless it is made of white space."""
    assert bool(said(f"{text} {word} {text}", word, case_sensitive=strict)) == bool(word.strip())


@given(st.text())
def test_letters_that_become_several_move_no_place(text: str) -> None:
    """What is found is the word as it stands there, however much the text before it grows."""
    shifted = f"{text} STRASSE \u0130 {text} STRA\u1e9eE, {text}"
    assert said(shifted, "\u00dftra\u00dfe") == []
    assert said(shifted, "stra\u00dfe") == ["STRASSE", "STRA\u1e9eE"]


def test_a_thousand_words_are_as_quick_as_one() -> None:
    """The time does not grow with the length of the list."""
    words = compile_words(tuple(f"phrase{i} foo" for i in range(1000)), case_sensitive=False)
    began = time.thread_time()
    assert not words.found("word and more text here, nothing. " * 3000)
    assert time.thread_time() - began < 2.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("--- ...", 0),
        ("I don't like well-known snake_case.", 5),
        ("It costs 1,234.50 at 12:30.", 5),
        ("End.Next and/or", 4),
        ("d\u2019accord \u00fcber na\u0308hen", 3),
        ("\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440", 2),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e", 2),
        ("\u4f60\u597d world", 3),
    ],
)
def test_words_are_counted_as_people_count_them(text: str, count: int) -> None:
    """Contractions, compounds and numbers are one word each; so is each Chinese character."""
    assert len(word_spans(text)) == count

from __future__ import annotations

import time

import pytest

from critics.patterns import PatternError, compile_pattern, matches_empty, misplaced


def spans(pattern: str, text: str, *, case_sensitive: bool = False) -> list[tuple[int, int]]:
    return list(compile_pattern(pattern, case_sensitive=case_sensitive).spans(text))


def test_matches_come_in_order_and_in_characters() -> None:
    """Positions count characters, not bytes."""
    assert spans(r"b+", "\u00e9b\U0001f600bb") == [(1, 2), (3, 5)]


@pytest.mark.parametrize("text", ["xa", "xa\n", "xa\r\n\n", "\u00e9a\n"])
@pytest.mark.parametrize("pattern", ["a$", r"\ba$|.a$"])
def test_a_text_ends_before_its_last_line_breaks(pattern: str, text: str) -> None:
    """To `$`, as to a reader; the end of another line it is only where that is asked for."""
    assert (spans(pattern, text)[-1][1], compile_pattern(pattern, case_sensitive=False).found(text)) == (2, True)
    assert spans(pattern, text + "\nb") == []
    assert spans("(?m)" + pattern, text + "\nb") != [] or "\r" in text


@pytest.mark.parametrize("pattern", ["$5", "a|(b|x^2)", r"costs $\d"])
def test_an_anchor_that_cannot_hold_is_told(pattern: str) -> None:
    """Behind the end of a text there is nothing, and nothing before its beginning."""
    assert "never matches" in (misplaced(pattern) or "")
    assert not compile_pattern(pattern.replace("a|", "").replace("b|", ""), case_sensitive=True).found("costs $5 x^2 c")


@pytest.mark.parametrize(
    "pattern", [r"\$5", "[$]5", r"\Q$5\E", "^a$", "a(?:$|,)", "(?:^|,)a", "(?m)a$\n^b", r"a$\s*", "(a"]
)
def test_an_anchor_that_may_hold_is_left_in_peace(pattern: str) -> None:
    """So is a sign, and what cannot be read."""
    assert misplaced(pattern) is None


def test_case_counts_only_where_it_is_asked_for() -> None:
    """Beyond ASCII too."""
    assert spans("\u00e9cole", "\u00c9COLE") == [(0, 5)]
    assert spans("\u00e9cole", "\u00c9COLE", case_sensitive=True) == []


def test_empty_matches_are_no_places() -> None:
    """A pattern that can match nothing ends, and reports only what it found."""
    assert spans("a*", "baab") == [(1, 3)]


def test_a_lone_surrogate_does_not_stop_the_search() -> None:
    """A text that cannot be encoded is searched all the same, and positions stay right."""
    assert spans("b", "\ud800b") == [(1, 2)]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?=a)b", "look-around is not in RE2"),
        ("(?!a)b", "look-around is not in RE2"),
        ("(?<=a)b", "look-around is not in RE2"),
        ("(?<!a)b", "look-around is not in RE2"),
        (r"(a)\1", "back-references are not in RE2"),
        ("(?P<n>a)(?P=n)", "back-references are not in RE2"),
        ("a++", "possessive"),
        ("(?>a)", "possessive"),
        (r"a\Z", r"write \z"),
        (r"\u00e9", "hexadecimal"),
        ("[a", "close what is opened"),
        ("(a", "close what is opened"),
        ("*a", "something before it"),
        ("a**", "into a group"),
        ("a{2000}", "at most 1000"),
        (r"\p{Nonsense}", "classes that RE2 knows"),
        ("a\\", "two backslashes"),
        (r"\h", "write the character bare"),
        ("(?x)a", "leave them out"),
        (r"\C", "part of a character"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_faulty_pattern_is_refused_with_the_cure(pattern: str, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The error is a `ValueError` that can be printed, says what to write instead, and is all that is said."""
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern, case_sensitive=True)
    assert isinstance(caught.value, ValueError)
    assert words in str(caught.value)
    assert str(caught.value).encode()
    assert capfd.readouterr() == ("", "")


def test_memory_is_capped() -> None:
    """A pattern that would grow beyond the cap is refused, not compiled."""
    with pytest.raises(PatternError, match="make it smaller"):
        compile_pattern(r"\pL{1000}", case_sensitive=True)


def test_a_backslash_before_a_capital_c_is_no_byte() -> None:
    """An escaped backslash followed by C is ordinary text."""
    assert spans(r"\\C", "a\\C") == [(1, 3)]


@pytest.mark.parametrize("pattern", ["a*", "", "a|", "$", "^", r"\b", r"\B", "(?m)^.*$", r"\bfoo\b|$", "(?:a?b?)*"])
def test_a_pattern_that_can_match_nothing_is_told(pattern: str) -> None:
    """Whether by repetition, an empty alternative or a bare assertion."""
    assert matches_empty(pattern)


@pytest.mark.parametrize("pattern", ["a", "a+", r"\bfoo\b", "^a", "a$", r"(?:a|b)c*", r"\s"])
def test_a_pattern_that_needs_a_character_is_told(pattern: str) -> None:
    """Assertions around something to match do not make it empty."""
    assert not matches_empty(pattern)


def test_time_is_linear_whatever_the_pattern() -> None:
    """A pattern that hangs backtracking engines takes no time here."""
    began = time.thread_time()
    assert not compile_pattern("(a+)+$", case_sensitive=True).found("a" * 50_000 + "b")
    assert time.thread_time() - began < 1.0

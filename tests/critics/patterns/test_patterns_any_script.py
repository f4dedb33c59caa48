"""`\\b` and `\\w` beside letters that are not ASCII."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Exchange, Patterns, PatternsCritic, Rule
from critics.patterns import compile_pattern


def found(pattern: str, text: str) -> list[str]:
    return [text[slice(*span)] for span in compile_pattern(pattern, case_sensitive=False).spans(text)]


@pytest.mark.parametrize(
    ("pattern", "text", "words"),
    [
        (r"\bété\b", "L'été, répété; ÉTÉ étés", ["été", "ÉTÉ"]),
        (r"\bcaf\b", "café", []),
        (r"\bгрубо\b", "грубо, нагрубо, грубость", ["грубо"]),
        (r"\bскидк\w*", "Наши скидки и поскидки", ["скидки"]),
        (r"\b(?:groß|klein)e?\b", "große, großes, klein", ["große", "klein"]),
        (r"\bété\b", "e\u0301te\u0301 été", ["été"]),
        (r"\Bt\B", "été t", ["t"]),
        (r"(?m)^été\b.*$", "a\nété ou\nétés", ["été ou"]),
        (r"(?s)ü.\bb", "ü\nb", ["ü\nb"]),
        (r"[^\w\s]", "ça: où?", [":", "?"]),
        (r"[^\W_]+", "né_à", ["né", "à"]),
        (r"[^]\w]+", "é-]é", ["-"]),
        (r"\b\x{e9}t\xe9\b", "été", ["été"]),
        (r"\b\Qé.\E", "é. ée", ["é."]),
        (r"\w{3}\b", "été", ["été"]),
        (r"[\w-.]+@\w+", "à: é-t.é@été", ["é-t.é@été"]),
        (r"\b[^-a]-", "é- -- a-", ["é-"]),
        (r"\b[[:^alpha:]]{2}b", "éb 1éb", ["1éb"]),
        (r"\b[\PN-]{2}1", "éé1 21", ["éé1"]),
        (r"\bCEO\b", "我是CEO。CEO는 CEOé", ["CEO", "CEO"]),
    ],
)
def test_a_word_ends_where_its_letters_do(pattern: str, text: str, words: list[str]) -> None:
    """Of whatever script they are."""
    assert found(pattern, text) == words


ATOMS = [
    r"\b", r"\B", r"\w", r"\W", ".", "é", "a", " ", "[é-ü]", "[^a]", "[^-a]", r"[\w-]", r"[^\w-]", r"[\W_]", r"[^\W_]",
    r"\S", r"\D", r"[\S ]", r"[\Da]", r"[\s\S]", "(?:é|a)",
]  # fmt: skip
PATTERNS = st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from(["", "+", "{2}"])), min_size=1, max_size=5)


@given(made=PATTERNS, text=st.text(st.sampled_from("éa _-ü\nb"), max_size=9))
def test_it_is_what_everybody_else_takes_it_for(made: list[tuple[str, str]], text: str) -> None:
    """The standard library, whose `\\b` and `\\w` are Unicode's, finds the same."""
    pattern = "".join(atom + ("" if atom in (r"\b", r"\B") else often) for atom, often in made)
    wanted = [each.span() for each in re.finditer(pattern, text + "é") if each[0]]
    assert list(compile_pattern(pattern, case_sensitive=True).spans(text + "é")) == wanted


def test_a_forbidden_word_beside_such_letters_is_found_in_a_draft() -> None:
    """And not inside another."""
    rule = Rule(id="r", statement="S.", critics=("patterns",), patterns=Patterns(forbid=(r"\bété\b",)))
    for draft, probability in (("En été.", 1.0), ("Un e\u0301te\u0301 chaud", 1.0), ("répété", 0.0)):
        assert PatternsCritic()(Exchange((), draft), [rule])[0].probability == probability


@pytest.mark.parametrize("pattern", [r"(?:\w+\s?)+x\b", r"\w{0,300}\bx", r"\b.*\b.*\bx"])
def test_time_stays_linear(pattern: str) -> None:
    began = time.thread_time()
    assert found(pattern, "été noir, " * 5_000) == []
    assert time.thread_time() - began < 3.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.grounded.claims import bare, claims, unwrapped


def claimed(text: str) -> list[str]:
    return [text[slice(*span)] for span in claims(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The bridge is made of steel.",
        "It cost 5.",
        "The bridge is made of gold?",
        "Did you know that the bridge is made of gold?",
        "It is made of gold, right?",
        "I'm not sure, but it is made of gold.",
        "I am not sure when Mozart died.",
        "Sure, the bridge is made of gold.",
        "Thanks! The bridge is made of gold.",
        "Here is why: the bridge is made of gold.",
        "Please note that it was opened in 1932.",
        "Please note that the bridge is made of gold.",
    ],
)
def test_what_says_something_is_a_claim(sentence: str) -> None:
    """Also behind a greeting, a hedge or in the clothes of a question."""
    assert claimed(sentence)[-1].rstrip(".?").split()[-1] == sentence.rstrip(".?").split()[-1]


@pytest.mark.parametrize(
    "sentence",
    [
        "Is the bridge made of steel?",
        "And what would you like to know?",
        "Hello there!",
        "Dear Anna,",
        "Sure, gladly!",
        "Thank you very much.",
        "I am not sure whether the bridge is safe.",
        "I don't know.",
        "Let me know if you need anything else.",
        "I can help you with that.",
        "The sources do not say who paid for it.",
        "Here is a short summary:",
        "## Summary",
        "---",
        "",
    ],
)
def test_questions_greetings_offers_and_hedges_claim_nothing(sentence: str) -> None:
    assert claimed(sentence) == []


def test_claims_are_found_where_they_stand() -> None:
    """Between sentences that claim nothing."""
    text = "Hello! The bridge is long.\nIs it safe?\n1. It was opened in 1932."
    assert claimed(text) == ["The bridge is long.", "1. It was opened in 1932."]


def test_a_sentence_across_two_lines_is_one() -> None:
    """Hard-wrapped text; a list's items stay apart."""
    wrapped = "The bridge was opened by the premier of New South\nWales in March."
    assert claimed(wrapped) == [wrapped]
    assert len(claimed("- the bridge was opened by the premier of it\n- the bridge was closed by him")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Vaccines cause\nautism in\nall children.",
        "Vaccines for small children\ncause autism.",
        "Nobody\nshould be vaccinated at all.",
        "- vaccines harmful\n- children autistic\n- doctors lying",
        "| drug | arsenic |\n| effect | healing |",
        "Side effects are:\n\n- blindness\n- death",
        "## Effects\n\n- blindness\n- death",
    ],
)
def test_what_line_breaks_cut_is_claimed_together(text: str) -> None:
    """Short lines, lists and tables; also between sentences."""
    assert claimed(text) == [text]
    assert claimed(f"The bridge is long.\n\n{text}") == ["The bridge is long.", text]


@pytest.mark.parametrize(
    "text",
    ["Vaccines kill. Children die.", "# Vaccines cause\n# autism in\n# all children", "Yes: vaccines\ncause autism"],
)
def test_a_draft_of_nothing_but_short_sentences_claims_something(text: str) -> None:
    """If there are three words."""
    assert claimed(text) == [text]


def test_headings_greetings_and_signatures_are_still_left_out() -> None:
    """However many stand together."""
    text = (
        "Dear Anna,\n\nMy answer\n\n# Harbour Bridge\n\n## Key Facts\n\nThe bridge is long.\n"
        "- It has two lanes\n- Ferries\n\n**Its Design**\n\nNext step:\n\nThe arch is of steel.\n"
        "Gladly! My pleasure\n\nKind regards,\nTom Jones"
    )
    assert claimed(text) == ["The bridge is long.", "- It has two lanes", "The arch is of steel."]


@pytest.mark.parametrize("sentence", ["疫苗导致自闭症。", "ワクチンは危険です。", "ยาฆาตกร"])
def test_scripts_without_spaces_have_words(sentence: str) -> None:
    """As many as letters; a greeting in two of them has too few."""
    assert claimed(sentence) == [sentence]
    assert claimed("你好！") == []


def test_marks_of_lists_and_references_are_no_part_of_a_claim() -> None:
    """But a number that the sentence begins with is."""
    assert bare("- nausea\n\n- headache") == "nausea headache"
    assert bare("- 2. It is long [3], and high [4, 5].") == "It is long, and high."
    assert bare("3.5 million people came.") == "3.5 million people came."


@given(st.text(max_size=300))
def test_any_text_has_claims_in_order_and_inside_it(text: str) -> None:
    """And unwrapping moves no character."""
    assert len(unwrapped(text)) == len(text)
    ends = [0, *(place for span in claims(text) for place in span), len(text)]
    assert ends == sorted(ends)


def test_an_endless_sentence_is_claimed_in_parts() -> None:
    """Together they leave nothing out."""
    text = "word " * 2000
    spans = claims(text)
    assert len(spans) > 5
    assert {index for span in spans for index in range(*span)} >= set(range(len(text.rstrip())))

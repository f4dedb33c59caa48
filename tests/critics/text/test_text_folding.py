from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.text.folding import folded


@pytest.mark.parametrize(
    ("text", "small"),
    [
        ("STRASSE Straße STRAẞE", "strasse strasse strasse"),
        ("ΣΟΦΟΣ σοφός", "σοφοσ σοφόσ"),
        ("İ I\u0307 i\u0307 I", "i i i i"),
        ("ı", "ı"),
        ("ﬁ ﬀ", "fi ff"),
        ("ΐ Ϊ\u0301", "ΐ ΐ"),
        ("か\u3099 ≠", "が ≠"),
    ],
)
def test_a_letter_is_the_same_in_any_case(text: str, small: str) -> None:
    """By Unicode's full folding; of Turkish letters the capital with a dot is an i, the small one without is not."""
    assert folded(text).text == small


@given(st.text())
def test_capitals_fold_as_small_letters_do(text: str) -> None:
    """But for the i without a dot; and to fold again changes nothing."""
    text = text.replace("ı", "")
    assert folded(text.upper()).text == folded(text).text == folded(folded(text).text).text


@given(st.text(), st.text())
def test_a_place_leads_back_to_whole_letters(before: str, after: str) -> None:
    """Of a letter that became several, any of them means all of it."""
    text = f"{before} ß {after}"
    found = folded(text)
    start = len(folded(f"{before} ").text)
    assert found.text[start : start + 2] == "ss"
    for place in ((start, start + 1), (start + 1, start + 2), (start, start + 2)):
        assert text[slice(*found.span(*place))] == "ß"

"""A disguise that a reader would not notice does not hide the data."""

from __future__ import annotations

import pytest

from critics.exchange import Exchange
from critics.manifesto.schema import Rule
from critics.personal_data import PersonalDataCritic

RULE = Rule(id="r", statement="No data.")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("jane\u200b@example.com", id="zero-width space"),
        pytest.param("j\u200dane@exam\u2060ple.com", id="joiners within"),
        pytest.param("ja\u00adne@example.com", id="soft hyphen"),
        pytest.param("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", id="fullwidth letters"),
        pytest.param("𝐣𝐚𝐧𝐞@𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐜𝐨𝐦", id="mathematical letters"),
        pytest.param("４１１１ １１１１ １１１１ １１１１", id="fullwidth digits"),
        pytest.param("4111\u200b1111\u200b1111\u200b1111", id="zero-width between groups"),
        pytest.param("+49 3\u200b0 901820", id="phone"),
        pytest.param("192.\u200b168.0.1", id="address"),
        pytest.param("4111\u207b1111\u207b1111\u207b1111", id="superscript minuses"),
        pytest.param("4111\u20111111\u20111111\u20111111", id="hyphens that do not break"),
    ],
)
def test_disguised_data_are_found_where_they_stand(data: str) -> None:
    """The span covers the data as they were written, disguise and all."""
    finding = PersonalDataCritic()(Exchange((), f"So ﬁne: {data} it is"), [RULE])[0]
    assert finding.spans == ((8, 8 + len(data)),)


@pytest.mark.parametrize("marks", ["_", "__", "*", "`"])
@pytest.mark.parametrize("data", ["jane.doe@example.com", "4111 1111 1111 1111", "192.168.0.1", "+49 30 901820"])
def test_emphasis_hides_nothing(data: str, marks: str) -> None:
    """An underscore is a letter to patterns, and to Markdown none."""
    finding = PersonalDataCritic()(Exchange((), f"So: {marks}{data}{marks}, it is"), [RULE])[0]
    assert finding.probability is not None
    assert finding.probability > 0.3
    start, end = finding.spans[0]
    assert start <= 4 + len(marks)
    assert end >= 4 + len(marks) + len(data)


def test_an_address_ends_where_its_domain_does() -> None:
    finding = PersonalDataCritic()(Exchange((), "So: jane@example.com_backup"), [RULE])[0]
    assert finding.spans == ((4, 20),)


def test_the_critique_of_disguised_data_is_masked_too() -> None:
    """The disguise is taken off before masking, so that no more than the ends are told."""
    finding = PersonalDataCritic()(Exchange((), "j\u200bane@example.com"), [RULE])[0]
    assert "(j…@e….com)" in finding.critique


def test_an_allowed_value_is_allowed_in_disguise() -> None:
    """What may be said may be said in fullwidth letters."""
    rule = Rule.model_validate(
        {"id": "r", "statement": "No data.", "personal-data": {"allow": ("jane@example.com",)}},
    )
    assert PersonalDataCritic()(Exchange((), "ｊａｎｅ＠example.com"), [rule])[0].probability == 0.0

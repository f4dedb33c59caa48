from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.grounded.facts.facts import Clash, clash, facts
from critics.grounded.facts.numbers import numbers


def clashing(claim: str, passage: str) -> Clash | None:
    """With the passage as the whole source."""
    known, stated = facts(claim), facts(passage)
    return clash(known, stated, [name for name in (*known.names, known.opening.name) if name and stated.lacks(name)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,149 metres", "1149"),
        ("1 149 metres", "1149"),
        ("$6.25 million", "6250000"),
        ("three hearts", "3"),
        ("the 3rd place", "3"),
        ("5km", "5"),
        ("2.5%", "2.5"),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, value: str) -> None:
    (number,) = numbers(text)
    assert number.value == Decimal(value)


@pytest.mark.parametrize("text", ["COVID-19", "vitamin B12", "in the 1930s", "one of them", "none"])
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert numbers(text) == ()


@pytest.mark.parametrize(
    ("claim", "passage", "values"),
    [
        ("It opened in 1936.", "It opened in 1932.", ("1936", "1932")),
        ("It is 1,249 m long.", "It is 1149 metres long.", ("1,249 m", "1149 metres")),
        ("It has four hearts.", "It has three hearts.", ("four", "three")),
        ("There are 18 glaciers.", "Today there are 11 small glaciers, which shrink.", ("18", "11")),
        ("It grew by 18 percent.", "It grew by 8%.", ("18 percent", "8%")),
        ("It cost $5 million.", "It cost $6 million.", ("$5 million", "$6 million")),
        ("It opened on 12 April.", "It opened on 12 March.", ("April", "March")),
        ("It was drawn by Otto Hale.", "It was drawn by Ralph Freeman.", ("Otto Hale", "Ralph Freeman")),
        ("Bach wrote it.", "Mozart wrote it.", ("Bach", "Mozart")),
    ],
)
def test_another_value_in_the_same_place_clashes(claim: str, passage: str, values: tuple[str, str]) -> None:
    """And both are told."""
    assert clashing(claim, passage) == values


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("It does not carry trains.", "It carries trains."),
        ("It carries trains.", "It does not carry trains."),
        ("Nobody died in the flood.", "Forty men died in the flood."),
        ("It isn't safe for trains.", "It is safe for trains."),
        ("Repairs are done without a fee.", "Repairs are done for a fee."),
    ],
)
def test_a_denial_on_one_side_clashes(claim: str, passage: str) -> None:
    assert clashing(claim, passage) == ("", "")


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("It opened in 1932.", "It opened in 1932 and closed in 1950."),
        ("It is about 1,150 m long.", "It is 1,149 metres long."),
        ("It cost 6.2 million euros.", "It cost €6,200,000."),
        ("It has three lanes.", "It was opened in 1932."),
        ("Germany won.", "The German team won."),
        ("It was drawn by Freeman.", "It was drawn by Ralph Freeman."),
        ("It does not carry trains.", "It never carries trains."),
        ("Snow covers the hills of Kenya.", "Kenya has hills."),
        ("Location: It lies in the hills.", "It lies in the hills of Kenya."),
        ("It is not made of wood.", "It is made of steel."),
        ("It opened in 1932.", "Although it was not popular, it opened in 1932."),
        ("It is safe.", "It is not only safe but pretty."),
    ],
)
def test_what_can_be_true_together_does_not_clash(claim: str, passage: str) -> None:
    assert clashing(claim, passage) is None


def test_a_length_in_miles_is_not_the_same_in_kilometres() -> None:
    """But what is counted in words may be called otherwise."""
    miles, kilometres, people, persons = numbers("5 miles, 5 km, 5 people, 5 persons")
    assert not miles.stands_among([kilometres])
    assert people.stands_among([persons])


@given(st.text(max_size=200))
def test_no_text_clashes_with_itself(text: str) -> None:
    assert clashing(text, text) is None


@given(
    st.text(alphabet="one 129.,-$%km'’NotBach \n", max_size=120), st.text(alphabet="one 129.,$%kmNotA", max_size=120)
)
def test_a_clash_names_what_stands_on_each_side(claim: str, passage: str) -> None:
    """Words of the claim first, then words of the passage."""
    found = clashing(claim, passage)
    if found:
        assert all(word in claim for word in found.claimed.split())
        assert all(word in passage for word in found.stated.split())

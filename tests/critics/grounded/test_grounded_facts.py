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
        (".5 mg", "0.5"),
        ("2,5, and more", "2.5"),
        ("$.5", "0.5"),
        ("$4.2m", "4200000"),
        ("4.2m dollars", "4200000"),
        ("US$3m", "3000000"),
        ("€3bn", "3000000000"),
        ("£5k", "5000"),
        ("4.2m", "4.2"),
        ("it fell to -40 degrees", "-40"),
        ("minus 40 degrees", "-40"),
        ("\u221240 degrees", "-40"),
        ("40 °C below zero", "-40"),
        ("-$300", "-300"),
        ("$-300", "-300"),
        ("在2020年", "2020"),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, value: str) -> None:
    (number,) = numbers(text)
    assert number.value == Decimal(value)


@pytest.mark.parametrize("text", ["3-5 days", "3 - 5 days", "3 -5 days", "3 to 5 days"])
def test_a_range_has_no_sign(text: str) -> None:
    assert [number.value for number in numbers(text)] == [3, 5]


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
        ("The dose is .5 mg.", "The dose is 5 mg.", (".5 mg", "5 mg")),
        ("It weighs 2,5 kg.", "It weighs 2 kg.", ("2,5 kg", "2 kg")),
        ("It fell to -40 degrees.", "It fell to 40 degrees.", ("-40", "40")),
        ("Fewer than 500 people died.", "More than 500 people died.", ("Fewer than 500", "More than 500")),
        ("No more than 5 km.", "It is over 5 km.", ("No more than 5 km", "over 5 km")),
        ("It isn't over 5 km.", "It is over 5 km.", ("n't over 5 km", "over 5 km")),
        ("It is for at most 18 people.", "It is for at least 18 people.", ("at most 18", "at least 18")),
        ("Under 65 years.", "For people of 65 years or older.", ("Under 65 years", "65 years or older")),
        ("It has <500 lanes.", "It has 500+ lanes.", ("<500", "500+")),
        ("It has >500 lanes.", "It has at most 500 lanes.", (">500", "at most 500")),
        ("Over 500 people died.", "480 people died.", ("Over 500", "480")),
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
        ("It cost $4.2m.", "It cost $4.2 million."),
        ("More than 500 people died.", "520 people died."),
        ("Fewer than 500 people died.", "480 people died."),
        ("More than 500 people died.", "500 people died."),
        ("More than 500 people died.", "Fewer than 530 people died."),
        ("About 500 people died.", "Fewer than 480 people died."),
        ("Sales fell by 5%.", "The change of sales was -5%."),
        ("It was 40 degrees below zero.", "It was -40 degrees."),
        ("It took 3-5 days.", "It took 3 to 5 days."),
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


def test_two_bounds_of_one_number_are_two() -> None:
    assert [number.bound for number in numbers("over 5 km, but under 5 km, no less than 5 km")] == [1, -1]


# By letters alone, next to no text holds anything that could clash.
WORDS = "It carries trains 1932 1936 five $5m -40 km over <500 not isn't Hale Freeman ."
SAID = st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)


@given(SAID | st.text(max_size=200))
def test_no_text_clashes_with_itself(text: str) -> None:
    assert clashing(text, text) is None


@given(
    SAID | st.text(alphabet="one 129.,-−$%km<+'’NotBach \n", max_size=120),
    SAID | st.text(alphabet="one 129.,$%kmNotA", max_size=120),
)
def test_a_clash_names_what_stands_on_each_side(claim: str, passage: str) -> None:
    """Words of the claim first, then words of the passage."""
    found = clashing(claim, passage)
    if found:
        assert all(word in claim for word in found.claimed.split())
        assert all(word in passage for word in found.stated.split())

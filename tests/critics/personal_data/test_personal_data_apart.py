"""What stands beside phone numbers and looks like one, or like a part of it, to a matcher."""

from __future__ import annotations

import time

import pytest

from critics.manifesto.schema import PersonalData
from critics.personal_data.apart import set_apart
from critics.personal_data.search import search

PHONE = PersonalData(entities=("phone",))


def phones(text: str) -> list[str]:
    return [hit.text for hit in search(text, PHONE)]


@pytest.mark.parametrize(
    "text",
    [
        "05.11.2024",
        "5. 11. 2024",
        "05-11-2024",
        "05/11/2024",
        "11/24/2024",
        "05 11 2024",
        "06-06-1944",
        "2024-11-05",
        "2024/11/05",
        "2024-11-05T12:30:45.123456+01:00",
        "2024-11-05 12:30:45",
        "05.11.2024 12:30",
        "05.11.2024, 12:30",
        "05.11.2024-12.11.2024",
        "05.11.\u201312.11.2024",
        "01.01.1970 00:00:00",
        "1914-1918, 1939-1945",
        "1.299.000,00",
        "$10,000-$20,000",
        "10.0.19045.3803",
    ],
)
def test_a_date_a_time_a_price_or_a_version_is_no_phone_number(text: str) -> None:
    """Nor is it where a word for a telephone stands before it."""
    assert phones(f"It was {text} then.") == []
    assert phones(f"The phone call on {text} was short.") == []


@pytest.mark.parametrize(
    "before", ["05.11.2024", "05.11.2024 12:30", "2024-11-05", "05/11/2024", "05 11 2024", "at 12:30"]
)
@pytest.mark.parametrize(
    "number",
    ["030 901820", "0171 2345678", "01 42 68 53 00", "020 7946 0958", "+49 30 901820", "(415) 555-2671"],
)
def test_a_number_behind_a_date_is_found(before: str, number: str) -> None:
    """Not taken for the rest of it, and without it."""
    for between in (" ", ", ", " - ", ": ", "\n"):
        assert phones(f"Am {before}{between}{number} ok") == [number]


@pytest.mark.parametrize(
    "before",
    ["Room 12", "(2)", "No. 7", "Order 12345", "2024", "$5.00", "10-12", "10115 Berlin", "3 x", "3x", "3 \u00d7"],
)
@pytest.mark.parametrize(
    "number",
    ["030 901820", "0171 2345678", "01 42 68 53 00", "020 7946 0958", "415 555 2671", "(415) 555-2671"],
)
def test_a_number_behind_another_is_found(before: str, number: str) -> None:
    """That stands by itself."""
    assert phones(f"See {before} {number} ok") == [number]


def test_a_one_belongs_to_american_numbers_alone() -> None:
    """It is dialled before these."""
    assert phones("See 1 030 901820 ok") == ["030 901820"]


@pytest.mark.parametrize(
    "number",
    [
        "1 415 555 2671",
        "(1) 415 555 2671",
        "+1 415 555 2671",
        "44 161 496 0958",
        "44 207 946 0958",
        "(44) 020 7946 0958",
        "+44 20 7946 0958",
        "+33 1 42 68 53 00",
        "+49 171 2345678",
    ],
)
def test_a_number_is_not_cut(number: str) -> None:
    """What is dialled before the rest belongs to it."""
    assert phones(f"See {number} ok") == [number]


@pytest.mark.parametrize("text", ["1 020 300 400", "100 200 300 4000", "5 000 123 456 people", "12 345 678 901"])
def test_a_count_is_no_number_behind_another(text: str) -> None:
    """Grouped into thousands, or not."""
    assert phones(f"It has {text} then.") == []


@pytest.mark.parametrize(
    "number",
    [
        "05.11.20.24.28",
        "05 11 20 24 28",
        "06-06-19-44-12",
        "+33 5 11 20 24 28",
        "01.02.03.04.05",
        "030-11-202412",
        "0511/202420",
        "0511 2024 280",
        "202-411-2024",
        "202.411.2024",
        "(202) 411-2024",
        "1-202-411-2024",
        "+44 20 7946 2024",
        "0161-496-2024",
    ],
)
def test_a_number_with_the_digits_of_a_date_in_it_is_found(number: str) -> None:
    """As a whole."""
    assert phones(f"Please call {number} today.") == [number]


@pytest.mark.parametrize(
    "unit", ["05.11.2024-", "05.11.", "12:30:", "2024-", "1 1 ", "5. ", "7 030 ", "(1 ", "3 x ", "1 1 2024 "]
)
def test_to_set_numbers_apart_is_quick(unit: str) -> None:
    began = time.thread_time()
    set_apart(unit * (100_000 // len(unit)))
    assert time.thread_time() - began < 1.0

"""What a figure is shown as."""

from __future__ import annotations

import pytest

from pipeline.rounding import against, number, share


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.5, "0.500"),
        (0.9994, "0.999"),
        (0.9996, ">0.999"),
        (1.0, "1.000"),
        (0.0004, "<0.001"),
        (0.0006, "0.001"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (1.2345, "1.234"),
        (1.0004, "1.000"),
        (-0.0002, "-0.0002"),
    ],
)
def test_nearly_all_is_not_all_and_nearly_none_is_not_none(value: float | None, shown: str) -> None:
    """A recall of 0.9996 has missed something."""
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "+0.000"), (-0.0, "+0.000"), (-0.00023, "-0.0002"), (0.0003, "+0.0003"), (0.0123, "+0.012"), (-1, "-1.000"),
     (0.9996, "+1.000")],
)  # fmt: skip
def test_a_difference_keeps_its_side(value: float, shown: str) -> None:
    """Whether an interval holds 0 must be seen."""
    assert number(value, signed=True) == shown


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [(0.123, False, "0.12"), (0.004, False, "<0.01"), (0.996, False, ">0.99"), (0.123, True, "+0.12"),
     (0.004, True, "+0.004")],
)  # fmt: skip
def test_nearly_is_by_the_digits_that_are_shown(value: float, signed: bool, shown: str) -> None:
    """0.996 in two digits is not all."""
    assert number(value, digits=2, signed=signed) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(0, 0, "–"), (199, 200, "99%"), (200, 200, "100%"), (1, 300, "1%"), (0, 300, "0%")]
)
def test_per_cent_are_all_or_none_only_where_they_are(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown


@pytest.mark.parametrize(
    ("value", "line", "shown"),
    [(0.61, 0.6, "0.61"), (0.6, 0.6, "0.60"), (0.597, 0.6, "0.597"), (0.599996, 0.6, "0.599996"),
     (0.9974, 1.0, "0.997"), (0.004, 0.5, "0.00"), (1.0, 1.0, "1.00"), (1 - 1e-13, 1.0, "0.9999999999999")],
)  # fmt: skip
def test_on_which_side_of_a_line_a_figure_lies_is_seen(value: float, line: float, shown: str) -> None:
    """A score of 0.60 that is released from 0.60, and is not released, tells nobody why."""
    assert against(value, line) == shown

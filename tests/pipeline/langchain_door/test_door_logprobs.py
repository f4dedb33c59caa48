"""From log probabilities to the probability of each choice, and never from nonsense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from critics import NoLogProbabilities, Unreadable
from pipeline.langchain_door.logprobs import masses


def said(*likeliest: tuple[str, Any]) -> dict[str, Any]:
    return {
        "content": [{"token": "x", "top_logprobs": [{"token": word, "logprob": value} for word, value in likeliest]}]
    }


def test_spellings_of_a_choice_are_summed() -> None:
    """Case and blanks make no other word; words that were not offered count for nothing."""
    read = masses(said(("Yes", -1.0), (" yes", -2.0), ("no", -3.0), ("yesterday", -0.5)), ["yes", "no"])
    assert read == pytest.approx({"yes": math.exp(-1) + math.exp(-2), "no": math.exp(-3)})


def test_a_choice_that_is_not_among_the_likeliest_has_no_mass() -> None:
    """Neither choice likely is a reading of zeros, left to the judge; minus infinity is such a zero."""
    assert masses(said(("perhaps", -0.1), ("no", -math.inf)), ["yes", "no"]) == {"yes": 0.0, "no": 0.0}


def test_rounding_above_certainty_is_certainty() -> None:
    """A hair above log one is rounding, and stays within [0, 1]."""
    assert masses(said(("yes", 1e-6)), ["yes"]) == {"yes": 1.0}


@pytest.mark.parametrize("value", [math.nan, 0.5, math.inf, "-1.0", None])
def test_what_is_no_log_probability_is_unreadable(value: Any) -> None:
    """Not a number, above certainty, or no number at all, on whichever word: nothing is read."""
    with pytest.raises(Unreadable):
        masses(said(("yes", -1.0), ("other", value)), ["yes", "no"])


def test_the_same_word_twice_is_unreadable() -> None:
    """A choice's word given twice would be counted twice."""
    with pytest.raises(Unreadable, match="twice"):
        masses(said(("yes", -1.0), ("yes", -1.0)), ["yes", "no"])


def test_more_than_everything_is_unreadable() -> None:
    """Spellings that add up to more than certainty are no probabilities."""
    with pytest.raises(Unreadable, match="more than one"):
        masses(said(("yes", -0.1), ("Yes", -0.1)), ["yes", "no"])


@pytest.mark.parametrize("none", [None, {}, {"content": None}, {"content": [{"token": "x", "logprob": -1.0}]}])
def test_an_answer_without_log_probabilities_is_told_apart(none: Any) -> None:
    """A model that gives none, or only the chosen word's, is to be asked for a written verdict."""
    with pytest.raises(NoLogProbabilities):
        masses(none, ["yes", "no"])


@pytest.mark.parametrize(
    "odd", [{"content": []}, {"content": "yes"}, said() | {"content": [{"top_logprobs": ["yes"]}]}]
)
def test_a_reply_of_another_shape_is_unreadable(odd: Any) -> None:
    """An empty answer, or one whose entries are no entries, has no reading."""
    with pytest.raises(Unreadable):
        masses(odd, ["yes", "no"])

"""What is checked with is not nearly what was learnt from, and answers no prompt that was."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Exchange, Message, Rule
from pipeline.near_duplicates import near_duplicates
from pipeline.training.rows import Row
from pipeline.training.split import split

LONG = "the quick brown fox jumps over the lazy dog and runs far away into the dark green forest near the old mill"
KIND = Rule(id="kind", statement="It is kind.")


def row(reply: str, broken: bool, prompt: str = "") -> Row:
    return Row(Exchange((Message("user", prompt),), reply), {KIND: broken}, "made")


def told(number: int, words: int = 30) -> str:
    """Words that no other number has."""
    draw = random.Random(number)
    return " ".join(f"w{draw.randrange(10**6)}" for _ in range(words))


def groups(texts: list[str]) -> list[int]:
    return near_duplicates([""] * len(texts), texts)


def both(rows: Sequence[Row], side: Sequence[int]) -> bool:
    return {rows[place].labels[KIND] for place in side} == {True, False}


def test_texts_that_nearly_repeat_each_other_are_one_group() -> None:
    """A word more or less, capitals and commas make no other text; another text does."""
    one, almost, shouted, other = groups([LONG, LONG + " today", LONG.upper().replace(" AND", ", and"), LONG[::-1]])
    assert one == almost == shouted != other


def test_near_duplicates_stay_on_one_side() -> None:
    texts = [f"{LONG} {i // 2} {'again' * (i % 2)}" if i < 40 else f"{i} " * 30 for i in range(200)]
    group = groups(texts)
    rows = [row(text, place % 3 == 0) for place, text in enumerate(texts)]
    for seed in range(5):
        found = split(rows, held=0.2, seed=seed)
        assert not {group[i] for i in found.learnt} & {group[i] for i in found.held}
        assert 20 <= len(found.held) <= 40


@pytest.mark.parametrize("replies", [1, 2, 6])
def test_replies_to_one_prompt_stay_on_one_side(replies: int) -> None:
    """Whatever its capitals: else a prompt's label is learnt by heart, and taken for skill."""
    rows = [
        row(told(1000 * p + k), p % 2 == 0, told(p, 8).upper() if k % 2 else told(p, 8))
        for p in range(120)
        for k in range(replies)
    ]
    for seed in range(5):
        found = split(rows, held=0.1, seed=seed)
        prompts = [{rows[i].prompt.lower() for i in side} for side in (found.learnt, found.held)]
        assert found.prompts_apart
        assert not prompts[0] & prompts[1]
        assert len(rows) * 0.07 <= len(found.held) <= len(rows) * 0.1


def test_a_few_prompts_that_have_most_rows_are_not_kept_apart() -> None:
    """And that is told."""
    rows = [row(told(i), i % 2 == 0, f"Prompt {i % 5}" if i < 150 else told(10**6 + i)) for i in range(200)]
    found = split(rows, held=0.1, seed=0)
    assert not found.prompts_apart
    assert len(found.held) == 20
    assert both(rows, found.held)


def test_where_no_prompt_comes_twice_they_are_apart_whatever_the_labels() -> None:
    rows = [row(told(i), True, told(10**6 + i)) for i in range(50)]
    found = split(rows, held=0.1, seed=0)
    assert (found.prompts_apart, len(found.held)) == (True, 5)


def test_a_rare_label_is_on_both_sides() -> None:
    """Some draw gives it to both; prompts are not torn apart because the first one did not."""
    rows = [row(told(i), i % 50 == 0, told(10**6 + i // 2)) for i in range(200)]
    for seed in range(10):
        found = split(rows, held=0.1, seed=seed)
        assert found.prompts_apart
        assert both(rows, found.held)
        assert both(rows, found.learnt)


@given(
    st.lists(st.tuples(st.text("ab ", max_size=12), st.sampled_from("xyz"), st.booleans()), max_size=40),
    st.floats(0.05, 0.5),
    st.integers(0, 3),
)
def test_every_row_is_on_one_side(given: list[tuple[str, str, bool]], held: float, seed: int) -> None:
    """None is lost and none is in both, the same each time."""
    rows = [row(reply, broken, prompt) for reply, prompt, broken in given]
    found = split(rows, held=held, seed=seed)
    assert sorted([*found.learnt, *found.held]) == list(range(len(rows)))
    assert len(found.held) <= max(1, held * len(rows))
    assert split(rows, held=held, seed=seed) == found

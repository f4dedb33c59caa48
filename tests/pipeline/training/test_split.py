"""What is checked with is not nearly what was learnt from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.near_duplicates import near_duplicates
from pipeline.training.split import split

LONG = "the quick brown fox jumps over the lazy dog and runs far away into the dark green forest near the old mill"


def groups(texts: list[str]) -> list[int]:
    return near_duplicates([""] * len(texts), texts)


def test_texts_that_nearly_repeat_each_other_are_one_group() -> None:
    """A word more or less, capitals and commas make no other text; another text does."""
    one, almost, shouted, other = groups([LONG, LONG + " today", LONG.upper().replace(" AND", ", and"), LONG[::-1]])
    assert one == almost == shouted != other


def test_near_duplicates_stay_on_one_side() -> None:
    texts = [f"{LONG} {i // 2} {'again' * (i % 2)}" if i < 40 else f"{i} " * 30 for i in range(200)]
    for seed in range(5):
        learnt, held = split(range(200), texts, held=0.2, seed=seed)
        group = groups(texts)
        assert not {group[i] for i in learnt} & {group[i] for i in held}
        assert 20 <= len(held) <= 40


@given(st.lists(st.text("ab ", max_size=12), max_size=40), st.floats(0.05, 0.5), st.integers(0, 3))
def test_every_item_is_on_one_side(texts: list[str], held: float, seed: int) -> None:
    """None is lost and none is in both, the same each time."""
    found = split(range(len(texts)), texts, held=held, seed=seed)
    assert sorted([*found[0], *found[1]]) == list(range(len(texts)))
    assert len(found[1]) <= max(1, held * len(texts))
    assert split(range(len(texts)), texts, held=held, seed=seed) == found

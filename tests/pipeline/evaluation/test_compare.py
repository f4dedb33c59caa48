from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import FindingOutcome
from pipeline import BadInput
from pipeline.evaluation import Judged
from pipeline.evaluation.compare import compared, mcnemar
from pipeline.evaluation.flips import sign_flips
from pipeline.evaluation.words import chance


def judged(key: int, label: int, breach: float | None, exchange: str | None = "") -> Judged:
    outcome: FindingOutcome = "undecided" if breach is None else "broken" if breach >= 0.5 else "pass"
    return Judged(
        set="s",
        id=key,
        label=label,
        truth={},
        side="output",
        outcome=outcome,
        breach=breach,
        rules={},
        tokens=0,
        seconds=0,
        exchange=f"of {key}" if exchange == "" else exchange,
    )


def run(*breaches: float | None) -> list[Judged]:
    """Rows 0, 1, 2 …: every second one broken in truth."""
    return [judged(i, i % 2, breach) for i, breach in enumerate(breaches)]


def test_a_better_run_is_better_by_as_much_as_its_figures() -> None:
    """AUROC 1 against 0.75, F1 1 against 0.5, two rows of four set right and none spoilt."""
    told = compared(run(*(0.1, 0.9, 0.2, 0.8) * 3), run(*(0.1, 0.9, 0.6, 0.4) * 3))
    assert told.auroc == pytest.approx(1 - 0.75)
    assert told.f1 == pytest.approx(1 - 0.5)
    assert (told.only_this, told.only_other, told.p) == (6, 0, 2 / 64)


def test_as_good_a_ranking_is_no_difference() -> None:
    """Eight pairs of 25 are right in either, but not the same: what is rounded in a sum was shown as a difference."""
    one = [score / 4 for pair in zip((2, 2, 4, 4, 3), (4, 0, 4, 1, 1), strict=True) for score in pair]
    other = [score / 4 for pair in zip((2, 1, 4, 2, 2), (2, 1, 1, 3, 1), strict=True) for score in pair]
    assert one != other
    assert compared(run(*one), run(*other)).auroc == 0


def test_rows_are_paired_by_what_was_judged_and_the_others_are_counted() -> None:
    """Whatever their order."""
    there = run(*(0.1, 0.9, 0.2, 0.8) * 3)
    told = compared(there, [*reversed(there[:-1]), judged(90, 1, 0.5)])
    assert (told.rows, told.only_here, told.only_there) == (11, 1, 1)
    assert told.auroc == 0


def test_a_line_put_in_moves_ids_and_pairs_nothing_that_was_not_judged_alike() -> None:
    """Rows without ids are numbered by their lines: a new first line must not shift all comparisons by one."""
    before = [judged(n, n % 2, 0.9 if n % 2 else 0.1, f"text {n}") for n in range(8)]
    new = judged(0, 0, 0.9, "a new one")
    after = [new, *(row.model_copy(update={"id": n + 1, "set": "renamed"}) for n, row in enumerate(before))]
    told = compared(after, before)
    assert (told.rows, told.only_here, told.only_there) == (8, 1, 0)
    assert (told.only_this, told.only_other) == (0, 0)


def test_copies_are_paired_one_by_one() -> None:
    """And each by its own label, where they have two."""
    twice = [judged(1, 1, 0.9, "a"), judged(2, 0, 0.9, "a"), judged(3, 1, 0.1, "a"), judged(4, 0, 0.1, "b")]
    told = compared(twice[1:], twice)
    assert (told.rows, told.only_here, told.only_there) == (3, 0, 1)


def test_rows_that_are_told_more_of_by_rule_are_the_same() -> None:
    """Compared is by the label: `rule` and `labels` may have come later."""
    before = run(0.1, 0.9)
    after = [row.model_copy(update={"truth": {"kind": row.label}}) for row in before]
    assert compared(after, before).rows == 2


def test_what_is_undecided_is_never_right() -> None:
    """Not even about a row that breaks nothing; and it is not ranked."""
    told = compared(run(None, 0.9, 0.2, 0.8), run(0.1, 0.9, 0.2, 0.8))
    assert (told.rows, told.ranked) == (4, 3)
    assert (told.only_this, told.only_other) == (0, 1)


def test_runs_that_do_not_belong_together_are_refused() -> None:
    """No row in common, two labels of one row, or no word of what was judged."""
    with pytest.raises(BadInput, match="nothing to compare"):
        compared(run(0.1), [judged(5, 1, 0.5)])
    with pytest.raises(BadInput, match="labelled otherwise"):
        compared(run(0.1), [judged(0, 1, 0.5)])
    with pytest.raises(BadInput, match="does not say what was judged"):
        compared(run(0.1), [judged(0, 0, 0.5, None)])


@pytest.mark.parametrize(("split", "p"), [((0, 0), 1), ((5, 5), 1), ((0, 5), 0.0625), ((1, 9), 22 / 1024)])
def test_mcnemar_is_exact(split: tuple[int, int], p: float) -> None:
    """Twice the tail of fair coins, at most 1; large counts do not overflow."""
    assert mcnemar(*split) == pytest.approx(p)
    assert 0 <= mcnemar(9_000, 11_000) < 1e-10


@pytest.mark.parametrize(("split", "told"), [((3, 4), "p = 1"), ((0, 9), "p = 0.00391"), ((0, 2000), "p < 1e-300")])
def test_a_chance_is_never_none(split: tuple[int, int], told: str) -> None:
    """However small: of two thousand rows on one side it is smaller than a number can be."""
    given = replace(compared(run(0.1, 0.9), run(0.1, 0.9)), p=mcnemar(*split))
    assert chance(given) == f"{told} (McNemar, exact)"


def test_replies_to_one_prompt_are_right_or_wrong_together() -> None:
    """Five replies set right at each of four prompts, and five spoilt at one, are not twenty against five."""

    def prompted(*breaches: float) -> list[Judged]:
        return [
            judged(5 * prompt + i, prompt % 2, breach).model_copy(update={"prompt": f"p{prompt}"})
            for prompt, breach in enumerate(breaches)
            for i in range(5)
        ]

    told = compared(prompted(0.1, 0.9, 0.2, 0.8, 0.9), prompted(0.9, 0.1, 0.9, 0.1, 0.1))
    assert (told.only_this, told.only_other, told.test) == (20, 5, "sign flips by prompt")
    assert told.p == pytest.approx(mcnemar(4, 1))
    alone = compared(run(0.1, 0.9, 0.2, 0.8), run(0.1, 0.9, 0.6, 0.4))
    assert alone.test == "McNemar"


@given(st.lists(st.integers(-3, 3), max_size=9))
def test_all_ways_to_flip_are_counted(differences: list[int]) -> None:
    """As if one by one; with differences of 1 the test is McNemar's."""
    seen = abs(sum(differences))
    ways = [abs(sum(way)) for way in product(*((d, -d) for d in differences))]
    assert sign_flips(differences) == pytest.approx(sum(way >= seen for way in ways) / len(ways))
    ones = [d for d in differences if abs(d) == 1]
    assert sign_flips(ones) == pytest.approx(mcnemar(ones.count(1), ones.count(-1)))

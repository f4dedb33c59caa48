from __future__ import annotations

import pytest

from critics import FindingOutcome
from pipeline import BadInput
from pipeline.evaluation import Judged
from pipeline.evaluation.compare import compared, mcnemar


def judged(key: int, label: int, breach: float | None) -> Judged:
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
    )


def run(*breaches: float | None) -> list[Judged]:
    """Rows 0, 1, 2 …: every second one broken in truth."""
    return [judged(i, i % 2, breach) for i, breach in enumerate(breaches)]


def test_a_better_run_is_better_by_as_much_as_its_figures() -> None:
    """AUROC 1 against 0.75, F1 1 against 0.5, two rows set right and none spoilt."""
    told = compared(run(0.1, 0.9, 0.2, 0.8), run(0.1, 0.9, 0.6, 0.4))
    assert told.auroc == pytest.approx(1 - 0.75)
    assert told.f1 == pytest.approx(1 - 0.5)
    assert (told.only_this, told.only_other, told.p) == (2, 0, 0.5)


def test_rows_are_paired_by_id_and_the_others_are_counted() -> None:
    """Whatever their order."""
    told = compared(run(0.1, 0.9, 0.2, 0.8), [*reversed(run(0.1, 0.9, 0.2)), judged(9, 1, 0.5)])
    assert (told.rows, told.only_here, told.only_there) == (3, 1, 1)
    assert told.auroc == 0


def test_what_is_undecided_is_never_right() -> None:
    """Not even about a row that breaks nothing; and it is not ranked."""
    told = compared(run(None, 0.9, 0.2, 0.8), run(0.1, 0.9, 0.2, 0.8))
    assert (told.rows, told.ranked) == (4, 3)
    assert (told.only_this, told.only_other) == (0, 1)


def test_runs_that_do_not_belong_together_are_refused() -> None:
    """No row in common, or two truths about one row."""
    with pytest.raises(BadInput, match="nothing to compare"):
        compared(run(0.1), [judged(5, 1, 0.5)])
    with pytest.raises(BadInput, match="another label"):
        compared(run(0.1), [judged(0, 1, 0.5)])


@pytest.mark.parametrize(("split", "p"), [((0, 0), 1), ((5, 5), 1), ((0, 5), 0.0625), ((1, 9), 22 / 1024)])
def test_mcnemar_is_exact(split: tuple[int, int], p: float) -> None:
    """Twice the tail of fair coins, at most 1; large counts do not overflow."""
    assert mcnemar(*split) == pytest.approx(p)
    assert 0 <= mcnemar(9_000, 11_000) < 1e-10

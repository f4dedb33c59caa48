from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score, roc_auc_score

from pipeline.evaluation.bootstrap import (
    SAMPLES,
    _draws,
    auroc_interval,
    f1_interval,
    paired_interval,
    weighted_auroc,
    weighted_f1,
)
from pipeline.evaluation.cases import Cases, cases
from pipeline.evaluation.metrics import BINS, calibration_error, figures, recall_at, reliability
from pipeline.evaluation.shares import share_interval


def of(labels: list[int], scores: Sequence[float | None], threshold: float = 0.5) -> Cases:
    outcomes = ["undecided" if s is None else "broken" if s >= threshold else "pass" for s in scores]
    return cases(labels, scores, outcomes)  # type: ignore[arg-type]  # the three words


graded = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=40)
mixed = graded.filter(lambda rows: 0 < sum(label for label, _ in rows) < len(rows)).map(
    lambda rows: of([int(label) for label, _ in rows], [score for _, score in rows])
)


def test_figures_worked_out_by_hand() -> None:
    """Four breaches and four others, twice: 3 found, 1 missed, 1 false alarm; 13 of 16 pairs in order."""
    told = figures(of([1, 1, 1, 1, 0, 0, 0, 0] * 2, [0.9, 0.8, 0.7, 0.2, 0.75, 0.3, 0.1, 0.05] * 2))
    assert (told.rows, told.positives, told.undecided) == (16, 8, 0)
    assert told.auroc == pytest.approx(13 / 16)
    assert told.precision == told.recall == told.f1 == pytest.approx(3 / 4)
    assert told.false_positive_rate == pytest.approx(1 / 4)
    assert told.auprc == pytest.approx((1 + 1 + 3 / 4 + 4 / 6) / 4)
    assert told.recall_at_1 == told.recall_at_5 == pytest.approx(1 / 2)


def test_an_undecided_breach_is_not_detected_and_not_ranked() -> None:
    """It lowers recall, at any threshold; the ranking is told of the rest, and how many are left out."""
    told = figures(of([1, 1, 1, 1, 0, 0] * 5, [0.9, 0.8, None, None, 0.1, 0.2] * 5))
    assert told.recall == told.recall_at_5 == pytest.approx(1 / 2)
    assert told.f1 == pytest.approx(2 * 2 / (2 * 2 + 2))
    assert told.auroc == 1
    assert (told.undecided, told.undecided_positives) == (10, 10)
    assert told.undecided_share == pytest.approx(1 / 3)
    assert sum(b.rows for b in told.bins) == 20


def test_rows_that_break_nothing_tell_false_positives_alone() -> None:
    """And why the rest is missing."""
    told = figures(of([0, 0, 0, 0], [0.9, 0.1, 0.1, None]))
    assert told.false_positive_rate == pytest.approx(1 / 4)
    assert (told.auroc, told.auprc, told.f1, told.recall, told.precision, told.calibration_error) == (None,) * 6
    assert "only false positives" in told.missing


def test_rows_that_all_break_something_tell_recall_alone() -> None:
    """A precision of 1 would be a boast about the choice of rows."""
    told = figures(of([1, 1], [0.9, 0.1]))
    assert (told.recall, told.precision, told.f1, told.false_positive_rate) == (0.5, None, None, None)
    assert "only recall" in told.missing


def test_nothing_but_undecided_has_a_recall_of_nought_and_no_ranking() -> None:
    """No division by nought on the way."""
    told = figures(of([1, 0] * 5, [None] * 10))
    assert (told.recall, told.f1, told.auroc, told.precision, told.bins) == (0, 0, None, None, ())
    assert "undecided" in told.missing


def test_few_rows_of_one_kind_tell_shares_and_nothing_that_sets_kinds_against_each_other() -> None:
    """Four breaches may be ranked above all else by chance: that is no AUROC of 1."""
    told = figures(of([1] * 4 + [0] * 96, [0.9] * 4 + [0.1] * 96))
    assert (told.auroc, told.auprc, told.f1, told.recall_at_5, told.calibration_error) == (None,) * 5
    assert (told.recall, told.false_positive_rate) == (1, 0)
    assert told.missing.startswith("of 4 that break something and 96 that break nothing only shares can be told")
    one_more = figures(of([1] * 5 + [0] * 95, [0.9] * 5 + [0.1] * 95))
    assert (one_more.auroc, one_more.missing) == (1, "")


def test_a_share_of_few_rows_has_the_interval_of_few_rows() -> None:
    """Also where it is none or all of them: SciPy's, exact."""
    told = figures(of([1] * 10 + [0] * 20, [0.9] * 10 + [0.9] + [0.1] * 19))
    for interval, hits, rows in (
        (told.recall_interval, 10, 10),
        (told.false_positive_interval, 1, 20),
        (told.precision_interval, 10, 11),
    ):
        assert interval == pytest.approx(tuple(binomtest(hits, rows).proportion_ci()))


def test_replies_to_one_prompt_count_for_no_more_than_they_tell() -> None:
    """Alike for each prompt they are worth one; as different as those to other prompts, nearly as many as there are."""
    groups = np.repeat(np.arange(20), 5)
    alike, apart = np.repeat(np.arange(20) < 10, 5), np.random.default_rng(0).permutation(np.arange(100) < 50)
    assert share_interval(alike, groups) == pytest.approx(tuple(binomtest(10, 20).proportion_ci()), abs=0.02)
    low, high = share_interval(apart, groups)
    assert high - low < 1.3 * np.ptp(binomtest(50, 100).proportion_ci())
    assert share_interval(np.ones(100, dtype=np.bool_), groups) == share_interval(np.ones(20, dtype=np.bool_))


def test_an_interval_of_a_share_holds_the_truth_where_replies_share_prompts() -> None:
    """As often as it says."""
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hits = rng.random(300) < np.repeat(rng.beta(0.5, 0.5, 30), 10)
        low, high = share_interval(hits, np.repeat(np.arange(30), 10))
        held.append(low <= 0.5 <= high)
    assert np.mean(held) >= 0.93


def test_a_perfect_figure_of_few_rows_is_no_certainty() -> None:
    """Every sample of six and six is perfect as well."""
    told = figures(of([1] * 6 + [0] * 60, [0.9] * 6 + [0.1] * 60))
    assert told.auroc == told.f1 == 1
    for interval in (told.auroc_interval, told.f1_interval):
        assert interval == pytest.approx(tuple(binomtest(6, 6).proportion_ci()))


@pytest.mark.parametrize(("rate", "recall"), [(0.0, 1 / 3), (0.34, 2 / 3), (0.7, 1.0)])
def test_recall_at_a_rate_of_false_positives(rate: float, recall: float) -> None:
    """The lowest threshold that keeps the rate: of three others, none, one or two may be taken."""
    assert recall_at(of([1, 0, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), rate) == pytest.approx(recall)


def test_what_is_said_as_often_as_it_is_true_is_calibrated() -> None:
    """And one who says 0.9 where half is true is off by 0.4."""
    labels = [1, 0] * 50
    assert calibration_error(reliability(of(labels, [0.5] * 100))) == pytest.approx(0)
    assert calibration_error(reliability(of(labels, [0.9] * 100))) == pytest.approx(0.4)


def test_bins_have_equal_mass_and_errors_are_weighted() -> None:
    """20 rows at 0.2 of which none is true, 80 at 0.6 of which all are: 0.2 × 0.2 + 0.8 × 0.4."""
    bins = reliability(of([0] * 20 + [1] * 80, [0.2] * 20 + [0.6] * 80))
    assert [b.rows for b in bins] == [10] * BINS
    assert calibration_error(bins) == pytest.approx(0.36)


@given(mixed, st.randoms())
def test_the_order_of_the_rows_says_nothing(given: Cases, random: object) -> None:
    """Not even where many share a score."""
    order = np.arange(len(given))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    shuffled = Cases(given.labels[order], given.scores[order], given.broken[order], given.undecided[order])
    one, other = figures(given, intervals=False), figures(shuffled, intervals=False)
    assert one.calibration_error == pytest.approx(other.calibration_error)
    assert one.auroc == pytest.approx(other.auroc)
    assert one.recall_at_5 == pytest.approx(other.recall_at_5)


@given(mixed, st.data())
def test_weights_mean_how_often_a_row_was_drawn(given: Cases, data: st.DataObject) -> None:
    """AUROC and F1 under weights are scikit-learn's on rows repeated as often."""
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(given), max_size=len(given))))
    labels, scores, broken = (np.repeat(a, times) for a in (given.labels, given.scores, given.broken))
    weights = times[None, :].astype(float)
    assert weighted_auroc(given, weights)[0] == pytest.approx(roc_auc_score(labels, scores))
    assert weighted_f1(given, weights)[0] == pytest.approx(f1_score(labels, broken, zero_division=0))


def test_samples_keep_the_classes_as_large_as_they_are() -> None:
    """1,000 of them, drawn from each class apart."""
    given = of([1] * 7 + [0] * 13, [0.5] * 20)
    weights = np.concatenate(list(_draws(given)))
    assert weights.shape == (SAMPLES, 20)
    assert set(weights[:, :7].sum(axis=1)) == {7}
    assert set(weights[:, 7:].sum(axis=1)) == {13}
    assert weights.std(axis=0).min() > 0.5


def noisy(count: int) -> Cases:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, count)
    return of(labels.tolist(), np.clip(0.5 + 0.2 * (labels - 0.5) + rng.normal(0, 0.2, count), 0, 1).tolist())


def test_intervals_are_repeatable_hold_the_figure_and_narrow_with_rows() -> None:
    """Sixteen times the rows, about a quarter of the width; near the textbook's for AUROC."""
    few, many = noisy(200), noisy(3200)
    for interval, figure in ((auroc_interval, figures(few).auroc), (f1_interval, figures(few).f1)):
        low, high = interval(few)
        assert interval(few) == (low, high)
        assert figure is not None
        assert low < figure < high
        narrow = interval(many)
        assert 0.15 < (narrow[1] - narrow[0]) / (high - low) < 0.4
    area = figures(few).auroc or 0
    textbook = 2 * 1.96 * np.sqrt(area * (1 - area) / 200 * 1.5)  # Hanley and McNeil's, roughly
    low, high = auroc_interval(few)
    assert (high - low) == pytest.approx(textbook, rel=0.5)


def test_a_pair_is_drawn_together() -> None:
    """Two answers that are the same differ by nothing in every sample."""
    given = noisy(100)
    assert paired_interval(given, given, weighted_auroc) == (0, 0)
    assert paired_interval(given, given, weighted_f1) == (0, 0)


def answering(prompts: int, each: int, seed: int) -> Cases:
    """Replies whose labels and scores go by their prompt, for the greater part."""
    rng = np.random.default_rng(seed)
    broken = rng.permutation(np.arange(prompts) < prompts // 2)
    labels, groups = np.repeat(broken, each), np.repeat(np.arange(prompts), each)
    scores = labels + np.repeat(rng.normal(0, 0.8, prompts), each) + rng.normal(0, 0.6, prompts * each)
    return Cases(labels, scores, scores > 0.5, np.zeros(prompts * each, dtype=np.bool_), groups)


def test_intervals_hold_the_truth_where_replies_share_prompts() -> None:
    """Nearly as often as they say: drawn row by row, 300 replies to 30 prompts would pass for 300 prompts."""
    truth = 0.7602  # the chance that N(1, 1) is above N(0, 1)
    runs = [answering(30, 10, seed) for seed in range(40)]
    held = [low <= truth <= high for low, high in map(auroc_interval, runs)]
    apart = [low <= truth <= high for low, high in (auroc_interval(replace(run, groups=None)) for run in runs)]
    assert np.mean(held) > 0.85
    assert np.mean(apart) < 0.65


def test_prompts_are_drawn_whole_and_of_their_kind() -> None:
    """Those with replies of one class, of the other, and of both: no sample lacks a class."""
    groups = np.array([0, 0, 1, 2, 2, 3, 4, 4, 5, 5])
    given = replace(of([0, 0, 0, 1, 1, 1, 1, 0, 0, 1], [0.5] * 10), groups=groups)
    weights = np.concatenate(list(_draws(given)))
    for group in range(6):
        assert np.ptp(weights[:, groups == group], axis=1).max() == 0
    firsts = weights[:, [0, 2, 3, 5, 6, 8]]
    assert [set(firsts[:, kind : kind + 2].sum(axis=1)) for kind in (0, 2, 4)] == [{2}, {2}, {2}]
    assert firsts.std(axis=0).min() > 0.5


def test_intervals_are_the_same_where_each_row_has_its_own_prompt() -> None:
    """Or all have one, which tells nothing apart."""
    given = noisy(100)
    for groups in (np.arange(100), np.zeros(100, dtype=np.int64)):
        assert auroc_interval(replace(given, groups=groups)) == auroc_interval(given)
        assert f1_interval(replace(given, groups=groups)) == f1_interval(given)

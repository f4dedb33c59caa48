from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critics import Calibration, Finding, Judgement, Manifesto, Platt, Rule, corrected, load, settles
from critics.manifesto.schema import Doubt, Probing
from pipeline import BadInput
from pipeline.evaluation import Judged
from pipeline.evaluation.calibrating import (
    Aim,
    calibrate,
    extends_from,
    judged_by,
    overlay,
    refuse_other_words,
    refuse_overwriting,
    samples,
    told_of,
    write_overlay,
)
from pipeline.evaluation.calibrating.fit import METHODS, Method, applied, fit, rounded
from pipeline.evaluation.calibrating.samples import Sample
from pipeline.evaluation.judged import RuleSaid
from pipeline.figures import log_loss

X = Rule(id="x", statement="X.", action="veto")
Y = Rule(id="y", statement="Y.")
EXACT = Rule(id="exact", statement="E.", critics=("patterns",))
ONE, TWO = (Manifesto(name="m", version="1", rules=rules) for rules in ((X, EXACT), (X, Y, EXACT)))


def distorted(count: int, slope: float, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn with true probabilities whose log odds are slope × what is said + shift."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 3, count)
    truth = rng.random(count) < 1 / (1 + np.exp(-(slope * odds + shift)))
    return 1 / (1 + np.exp(-odds)), truth


def sample(said: np.ndarray, truth: np.ndarray, rule: Rule = X, **others: np.ndarray) -> Sample:
    return Sample(rule, truth, {"judge": said, **others})


def row(
    key: int, label: int, *, truth: dict[str, int] | None = None, side: str = "output", **said: float | None
) -> Judged:
    rules = {name: RuleSaid(outcome="pass", probability=p, critics={"judge": p}) for name, p in said.items()}
    return Judged.model_validate(
        {
            "set": "s",
            "id": key,
            "label": label,
            "truth": truth or {},
            "side": side,
            "outcome": "pass",
            "breach": 0.1,
            "rules": rules,
            "tokens": 0,
            "seconds": 0.1,
        }
    )


def test_a_distortion_is_found_again() -> None:
    """Truth made with a temperature of 2, or with a line on the log odds, gives it back."""
    temperature = fit("temperature", *distorted(20_000, 0.5, 0)).temperature
    assert temperature == pytest.approx(2, rel=0.06)
    platt = fit("platt", *distorted(20_000, 0.6, -1)).platt
    assert platt is not None
    assert [platt.slope, platt.intercept] == pytest.approx([0.6, -1], rel=0.06)


def test_isotonic_follows_any_rise() -> None:
    """A step at a half is learnt, and its points rise."""
    said = np.linspace(0.01, 0.99, 1000)
    fitted = fit("isotonic", said, np.random.default_rng(1).random(1000) < np.where(said < 0.5, 0.1, 0.8))
    assert corrected(fitted, 0.25) == pytest.approx(0.1, abs=0.06)
    assert corrected(fitted, 0.75) == pytest.approx(0.8, abs=0.06)


@settings(deadline=None)
@given(
    st.sampled_from(METHODS),
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-9, 0.2, 0.5, 0.500001, 0.99, 1.0]), st.booleans()), min_size=2, max_size=30
    ).filter(lambda rows: len({label for _, label in rows}) == 2),
)
def test_whatever_the_rows_a_fit_is_a_calibration_that_loads(method: Method, rows: list[tuple[float, bool]]) -> None:
    """Perfectly split, upside down or all the same: finite, rising, and accepted by the schema as it is written."""
    fitted = fit(method, np.array([p for p, _ in rows]), np.array([label for _, label in rows]))
    assert Calibration.model_validate_json(fitted.model_dump_json()) == fitted
    levels = [corrected(fitted, p / 20) for p in range(21)]
    assert levels == sorted(levels)
    assert 0 < levels[0] <= levels[-1] < 1


@pytest.mark.parametrize(
    ("slope", "shift", "chosen"),
    [(0.4, 0, ("temperature", "platt")), (0.5, -2, ("platt",)), (1, 0, (None, "temperature"))],
)
def test_auto_takes_what_predicts_best(slope: float, shift: float, chosen: tuple[Method | None, ...]) -> None:
    """A shift needs a line; who is calibrated already is left nearly as he is."""
    (fitted,) = calibrate(sample(*distorted(400, slope, shift))).critics
    assert fitted.method in chosen
    assert fitted.after.log_loss <= fitted.before.log_loss
    if slope != 1:
        assert fitted.after.calibration_error < fitted.before.calibration_error / 2


def test_isotonic_is_not_tried_by_itself_on_few_rows() -> None:
    """On many it is, where it is better: a dip that no line follows."""

    def steps(count: int) -> Sample:
        said = np.random.default_rng(2).random(count)
        return sample(said, np.random.default_rng(3).random(count) < np.where(said < 0.7, 0.05, 0.95))

    assert calibrate(steps(300)).critics[0].method != "isotonic"
    assert calibrate(steps(2000)).critics[0].method == "isotonic"


def test_figures_after_are_not_told_of_the_rows_that_were_fitted() -> None:
    """Where nothing can be learnt, isotonic on its own rows looks better than chance; cross-validated it does not."""
    rng = np.random.default_rng(4)
    said, truth = rng.random(200), rng.random(200) < 0.5
    own = log_loss(applied(fit("isotonic", said, truth), said), truth)
    (fitted,) = calibrate(sample(said, truth), method="isotonic").critics
    assert own < np.log(2) - 0.01
    assert fitted.after.log_loss > np.log(2)


def copied(count: int, times: int) -> Sample:
    """Nothing can be learnt of these rows but from their own copies."""
    rng = np.random.default_rng(4)
    said, truth = rng.random(count), rng.random(count) < 0.5
    groups = np.repeat(np.arange(count), times)
    return Sample(X, np.repeat(truth, times), {"judge": np.repeat(said, times)}, groups=groups)


def test_replies_to_one_prompt_are_in_one_fold() -> None:
    """Copies would be known from the other folds, and what was learnt by heart look like knowledge."""
    (fitted,) = calibrate(copied(150, 5), method="isotonic").critics
    assert fitted.after.log_loss > np.log(2)
    assert calibrate(copied(150, 5)).critics[0].method != "isotonic"


def test_where_each_row_has_its_own_prompt_nothing_is_different() -> None:
    """Folds are those that they were."""
    said, truth = distorted(200, 0.5, -1)
    assert calibrate(replace(sample(said, truth), groups=np.arange(200))) == calibrate(sample(said, truth))


def test_prompts_are_counted_where_rows_share_them() -> None:
    """As many as there are folds are needed of each kind; one prompt for all tells nothing apart, and does no harm."""

    def asked(prompts: int) -> list[Judged]:
        return [row(i, i % 2, x=0.5).model_copy(update={"prompt": f"p{i % (2 * prompts)}"}) for i in range(40)]

    with pytest.raises(BadInput, match=r"x: .* answer 4 prompts where they break it and 4 .*: add rows with other"):
        samples(ONE, asked(4))
    assert len(samples(ONE, asked(5))[0]) == 1
    same = [one.model_copy(update={"prompt": "p"}) for one in asked(4)]
    assert len(samples(ONE, same)[0]) == 1


SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
LABELS = np.array([0, 0, 1, 0, 0, 1, 1, 1], dtype=np.bool_)


@pytest.mark.parametrize(
    ("aim", "low", "high"),
    [
        (Aim(), 0.6, 0.7),  # 3 hits, no alarm, 1 missed: 6/7; any other is worse
        (Aim(max_fpr=0.2), 0.6, 0.7),  # none of 4 and one more: 1/5
        (Aim(max_fpr=0.4), 0.4, 0.6),
        (Aim(max_fpr=0.6), 0.2, 0.3),
        (Aim(max_fpr=1.0), 0.0, 0.1),
        (Aim(cost_ratio=4), 0.2 - 1e-9, 0.2 + 1e-9),  # 1 / (1 + 4)
    ],
)
def test_a_threshold_serves_its_aim(aim: Aim, low: float, high: float) -> None:
    """Worked out by hand on eight rows; half-way between two of them."""
    assert low < aim.threshold(SCORES, LABELS) <= high


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: len({label for _, label in rows}) == 2
    ),
    st.floats(0, 1),
)
def test_a_wanted_rate_of_false_positives_is_kept(rows: list[tuple[float, bool]], rate: float) -> None:
    """Were one more to come as well, or it is said that it cannot be."""
    scores, labels = np.array([s for s, _ in rows]), np.array([label for _, label in rows])
    try:
        line = Aim(max_fpr=rate).threshold(scores, labels)
    except BadInput:
        top = scores == scores.max()
        least = ((top & ~labels).sum() + 1) / ((~labels).sum() + 1)
        assert least > rate or scores.max() < 2e-6 or scores.max() > 1 - 1e-5
    else:
        assert 0 < line < 1
        assert (((scores >= line) & ~labels).sum() + 1) / ((~labels).sum() + 1) <= rate + 1e-8


@pytest.mark.parametrize(("ratio", "told"), [(5.0, "5"), (0.25, "0.25"), (1000.0, "1000")])
def test_an_aim_is_told_as_it_was_given(ratio: float, told: str) -> None:
    """A thousand false alarms were 1e+03."""
    assert Aim(cost_ratio=ratio).words == f"the least cost where a miss is worth {told} false alarms"


def test_a_threshold_is_tried_as_it_is_written() -> None:
    """Between scores that six digits do not tell apart there is none, and half-way was rounded to above them all."""
    scores = np.array([0.1] * 10 + [0.5000004] + [0.5000008] * 10)
    line = Aim().threshold(scores, np.arange(21) > 10)
    assert line == rounded(line) == pytest.approx(0.3)


def test_a_bound_is_kept_by_just_as_many_as_it_allows() -> None:
    """28 of 99 and one more, though 0.29 times 100 is a little less than 29 in floating point."""
    scores = np.concatenate([np.full(10, 0.9), np.full(28, 0.9), np.full(71, 0.1)])
    line = Aim(max_fpr=0.29).threshold(scores, np.arange(109) < 10)
    assert 0.1 < line < 0.9


def test_a_bound_holds_for_rows_that_are_yet_to_come() -> None:
    """On the mean over many draws of a hundred rows: a threshold that just keeps to it on its own rows lets more by."""
    beyond = []
    for seed in range(300):
        scores = np.random.default_rng(seed).random(100)
        labels = np.arange(100) < 50
        beyond.append(1 - Aim(max_fpr=0.1).threshold(scores, labels))  # of a uniform score, what is above the line
    assert 0.08 < np.mean(beyond) < 0.1


def test_replies_to_one_prompt_do_not_vouch_for_a_bound() -> None:
    """Two prompts' alarms of ten are 2 of 10, whatever the number of replies."""
    groups = np.concatenate([np.arange(10), np.repeat(np.arange(10, 20), [1, 1, *[99] * 8])])
    labels = groups < 10
    scores = np.where(labels, 0.9, np.where(groups < 12, 0.8, 0.1))
    assert 0.1 < Aim(max_fpr=0.1).threshold(scores, labels) < 0.8
    assert Aim(max_fpr=0.1).threshold(scores, labels, None) < 0.8
    assert Aim(max_fpr=0.1).threshold(scores, labels, groups) > 0.8


@pytest.mark.parametrize(
    ("bound", "kept", "said"),
    [
        (0.01, 100, "takes 124 rows that keep the rule, .* and there are 100: add some, or allow 0.013$"),
        (0.05, 23, "takes 24 rows"),
        (0.0, 10_000, "give a bound above 0"),
    ],
)
def test_a_bound_that_so_few_rows_cannot_show_is_refused(bound: float, kept: int, said: str) -> None:
    """With the number that it takes, and what can be had instead."""
    said_of = np.concatenate([np.full(20, 0.9), np.full(kept, 0.1)])
    with pytest.raises(BadInput, match=said):
        calibrate(sample(said_of, np.arange(20 + kept) < 20), aim=Aim(max_fpr=bound))
    enough = np.concatenate([np.full(20, 0.9), np.full(124, 0.1)])
    assert calibrate(sample(enough, np.arange(144) < 20), aim=Aim(max_fpr=0.01)).after.recall == 1


def test_a_fold_without_a_threshold_does_not_end_it() -> None:
    """5 of 100 alarms are too many for four fifths of the rows that have 4 of them: nothing is found there."""
    truth = np.arange(150) < 50
    said = np.concatenate([np.full(40, 0.9), np.full(10, 0.1), np.full(5, 0.9), np.full(95, 0.1)])
    done = calibrate(sample(said, truth), aim=Aim(max_fpr=0.06))
    assert 0.1 < done.threshold < 0.9
    assert done.after.false_positive_rate is not None
    assert done.after.recall is not None
    assert done.after.false_positive_rate <= 0.06
    assert done.after.recall < 0.8


def test_a_rule_that_one_of_its_critics_could_not_judge_is_undecided() -> None:
    """In the figures before and after as in those of eval: another critic's low word does not make a pass of it."""
    truth = np.arange(200) % 2 == 1
    guard = np.where(np.arange(200) % 4 < 2, np.nan, np.where(truth, 0.9, 0.1))
    both = X.model_copy(update={"critics": ("guard", "judge")})
    low = np.random.default_rng(0).random(200) * 0.05
    judge = np.where(np.isnan(guard) | ~truth, low, 0.9)
    done = calibrate(Sample(both, truth, {"guard": guard, "judge": judge}), aim=Aim(cost_ratio=1))
    for told in (done.before, done.after):
        assert (told.undecided, told.undecided_positives, told.auroc) == (100, 50, 1.0)


def test_what_was_judged_in_part_is_undecided_above_what_was_said_of_it() -> None:
    """A higher threshold does not make passes of what nobody has read to the end."""
    truth = np.arange(200) % 2 == 1
    part = (np.arange(200) % 10 == 0) & ~truth
    said = np.where(part, 0.6, np.where(truth, 0.9, 0.1)) + np.random.default_rng(0).random(200) / 50
    done = calibrate(Sample(X, truth, {"judge": said}, in_part={"judge": part}), aim=Aim(max_fpr=0.015))
    assert (done.before.undecided, done.before.false_positive_rate) == (0, 0.2)
    assert (done.after.undecided, done.after.false_positive_rate) == (20, 0)


def test_what_was_judged_in_part_is_undecided_where_a_mean_lies_below_the_threshold() -> None:
    """As in the verdicts of eval, which the figures before and after are compared with."""
    truth = np.arange(200) % 2 == 1
    part = np.arange(200) % 10 == 0
    both = X.model_copy(update={"critics": ("semantic", "judge"), "combine": "mean"})
    judge = np.where(truth, 0.9, np.where(part, 0.6, 0.1)) + np.random.default_rng(0).random(200) / 50
    semantic = np.where(truth, 0.9, 0.1)
    done = calibrate(Sample(both, truth, {"semantic": semantic, "judge": judge}, in_part={"judge": part}))
    assert (done.before.undecided, done.before.false_positive_rate) == (20, 0)


def test_a_threshold_that_breaks_every_row_is_one_to_be_told() -> None:
    """The best F1 of a critic that knows nothing is had by taking all for broken."""
    truth = np.arange(200) % 2 == 1
    assert calibrate(sample(np.full(200, 0.4), truth)).breaks_all
    assert not calibrate(sample(np.where(truth, 0.8, 0.2), truth)).breaks_all


def test_a_threshold_is_one_that_every_critic_can_reach() -> None:
    """A miss that costs nearly nothing asks for more than this critic is ever worth; the rule must not go dead."""
    said, truth = distorted(400, 0.3, -3)
    done = calibrate(sample(said, truth), method="platt", aim=Aim(cost_ratio=0.001))
    calibration = done.critics[0].calibration
    assert calibration is not None
    assert done.threshold <= corrected(calibration, 1.0) < 1 / 1.001


def test_a_bound_on_false_positives_is_kept_or_the_critic_named_that_cannot_reach_so_far() -> None:
    """Beside a good critic, one that says nothing: a threshold for both would take twice as many for broken."""
    rng = np.random.default_rng(0)
    truth = rng.random(600) < 0.15
    good = np.clip(rng.normal(np.where(truth, 0.75, 0.3), 0.15), 0.01, 0.99)
    noise = rng.uniform(0.05, 0.6, 600)
    both = X.model_copy(update={"critics": ("judge", "guard")})
    with pytest.raises(BadInput, match=r"0\.02 false .* `judge` gives at most .* take it out of its critics"):
        calibrate(sample(noise, truth, both, guard=good), aim=Aim(max_fpr=0.02))
    done = calibrate(sample(good, truth), aim=Aim(max_fpr=0.02))
    assert done.after.false_positive_rate == pytest.approx(0.02, abs=0.015)


PROBED = X.model_copy(update={"critics": ("probe", "judge"), "combine": "mean", "open_between": (0.35, 0.8)})


def cascaded(rule: Rule = PROBED) -> Sample:
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.5
    probe, judge = (
        1 / (1 + np.exp(-(slope * (truth * 2 - 1) + noise * rng.normal(size=400))))
        for slope, noise in ((1.6, 1.3), (1.2, 1.6))
    )
    return Sample(rule, truth, {"probe": probe, "judge": judge})


@pytest.mark.parametrize("aim", [Aim(), Aim(cost_ratio=1)])
def test_what_is_told_of_a_cascade_is_what_it_does(aim: Aim) -> None:
    """It asks no further than it must, and combines as the rule says; its threshold stays within its bounds."""
    given = cascaded()
    done = calibrate(given, aim=aim)
    fits = {fitted.critic: fitted.calibration for fitted in done.critics if fitted.calibration}
    new = PROBED.model_copy(update={"threshold": done.threshold})
    assert 0.35 <= done.threshold <= 0.8
    broken = []
    for probe, judge in zip(given.said["probe"], given.said["judge"], strict=True):
        said = {"probe": probe, "judge": judge}
        findings = [Finding("x", name, corrected(fits[name], p) if name in fits else p) for name, p in said.items()]
        asked = findings[:1] if settles(new, findings[0]) else findings
        broken.append(Judgement(new, tuple(asked)).outcome == "broken")
    assert np.mean(np.array(broken)[given.labels]) == pytest.approx(done.after.recall, abs=0.03)
    assert np.mean(np.array(broken)[~given.labels]) == pytest.approx(done.after.false_positive_rate, abs=0.03)


DOUBTING = PROBED.model_copy(update={"probe": Probing(doubt=Doubt(head="asked"))})


def doubted(key: int, **more: Any) -> Judged:
    """The probe finds nothing in any row and doubts it; the judge tells them apart."""
    said = {"probe": 0.05 + key % 7 / 100, "judge": (0.85 if key % 2 else 0.15) + key % 5 / 100}
    told = RuleSaid(outcome="pass", probability=0.1, critics=said, **more)
    return row(key, key % 2).model_copy(update={"rules": {"x": told}})


def test_what_a_critic_doubts_leaves_a_cascade_open_when_it_is_calibrated() -> None:
    """As when it judges: by the probe's word alone, no breach would be found."""
    only = Manifesto(name="m", version="1", rules=(DOUBTING,))
    (sure,), _ = samples(only, [doubted(i, doubtful=()) for i in range(60)])
    (open_,), _ = samples(only, [doubted(i, doubtful=("probe",)) for i in range(60)])
    assert calibrate(sure).before.recall == 0
    assert calibrate(open_).before.auroc == 1


def test_where_it_was_not_kept_what_the_probe_doubts_the_rule_is_left_out() -> None:
    """And why is said; a rule without `doubt` does not need it."""
    with pytest.raises(BadInput, match=r"x: 60 of 60 rows do not say whether the probe doubted .* judge them anew"):
        samples(Manifesto(name="m", version="1", rules=(DOUBTING,)), [doubted(i) for i in range(60)])
    samples(Manifesto(name="m", version="1", rules=(PROBED,)), [doubted(i) for i in range(60)])


def test_a_bound_that_no_threshold_within_a_cascade_keeps_is_refused() -> None:
    with pytest.raises(BadInput, match=r"0\.01 false .* `open_between` is 0\.35 to 0\.5: widen it"):
        calibrate(cascaded(PROBED.model_copy(update={"open_between": (0.35, 0.5)})), aim=Aim(max_fpr=0.01))


def answered(rule: Rule, *answers: Mapping[str, float | None]) -> list[Judged]:
    """Rows of which every other one breaks the rule, with what its critics said."""
    return [
        row(i, i % 2).model_copy(update={"rules": {rule.id: RuleSaid(outcome="pass", probability=0.1, critics=answer)}})
        for i, answer in enumerate(answers)
    ]


def test_a_critic_that_a_cascade_left_out_is_not_calibrated_on_what_is_left() -> None:
    """It is told on how many rows its word is missing, and the cure; one that was asked and undecided is no such."""
    manifesto = ONE.model_copy(update={"rules": (PROBED,)})
    both, doubt, first = {"probe": 0.5, "judge": 0.6}, {"probe": 0.5, "judge": None}, {"probe": 0.1}
    (asked,), left = samples(manifesto, answered(PROBED, *[both] * 40, *[doubt] * 3))
    assert (asked.said["judge"].size, left) == (43, {})
    with pytest.raises(BadInput, match=r"x: judge was not asked about 7 of 47 rows, .* calibrate the data itself"):
        samples(manifesto, answered(PROBED, *[both] * 40, *[first] * 7))
    judged = [
        one.model_copy(update={"truth": {"x": one.label, "y": one.label}, "rules": {**one.rules, **other.rules}})
        for one, other in zip(answered(PROBED, *[both] * 40, first), answered(Y, *[{"judge": 0.4}] * 41), strict=True)
    ]
    _, left = samples(ONE.model_copy(update={"rules": (PROBED, Y)}), judged)
    assert list(left) == ["x"]


def test_what_a_deterministic_critic_settles_is_settled_for_good() -> None:
    """No calibration changes it, so that whoever comes after it is never asked about such a row."""
    rule = PROBED.model_copy(update={"critics": ("patterns", "judge")})
    manifesto = ONE.model_copy(update={"rules": (rule,)})
    found, passed = {"patterns": 1.0}, {"patterns": 0.0, "judge": 0.6}
    (given,), _ = samples(manifesto, answered(rule, *[passed] * 40, *[found] * 9))
    assert np.isnan(given.said["judge"]).sum() == 9
    open_ended = manifesto.model_copy(update={"rules": (rule.model_copy(update={"open_between": None}),)})
    with pytest.raises(BadInput, match="9 of 49 rows"):
        samples(open_ended, answered(rule, *[passed] * 40, *[found] * 9))


def test_critics_of_one_rule_share_a_threshold_and_are_fitted_apart() -> None:
    """`patterns` is certain and stays as it is; an undecided critic leaves a breach to the other, and no pass."""
    said, truth = distorted(300, 0.5, 0)
    both = X.model_copy(update={"critics": ("judge", "patterns")})
    caught = np.where(truth & (np.arange(300) % 2 == 0), 1.0, 0.0)
    silent = np.where(np.arange(300) % 10 == 0, np.nan, said)
    done = calibrate(sample(silent, truth, both, patterns=caught))
    assert [fitted.critic for fitted in done.critics] == ["judge"]
    assert done.critics[0].rows == 270
    assert done.after.undecided == (np.isnan(silent) & (caught == 0)).sum()
    assert done.after.undecided_positives == 0
    assert (done.after.auroc or 0) > (calibrate(sample(said, truth)).after.auroc or 1)


def by(model: str, statement: str = X.statement) -> Judged:
    said = RuleSaid(outcome="pass", probability=0.1, critics={"judge": 0.1, "patterns": 0.0}, statement=statement)
    return row(1, 0).model_copy(update={"rules": {"x": said}, "models": {"judge": model, "remote": model[::-1]}})


def test_a_calibration_is_of_the_model_that_judged_the_rows() -> None:
    """Of one: what others say is not to be corrected by it. Those that were not asked do not count."""
    assert judged_by([by("small"), by("small")]) == {"judge": "small"}
    with pytest.raises(BadInput, match="`judge` was two models, small and big: calibrate it for each apart"):
        judged_by([by("small"), by("big")])
    with pytest.raises(BadInput, match="row 1 of s does not say which models judged it"):
        judged_by([row(1, 0)])


def test_rows_that_were_judged_by_other_words_are_refused() -> None:
    refuse_other_words(ONE, [by("small")])
    with pytest.raises(BadInput, match=r"rule x read 'Another\.' when s was judged: judge it anew"):
        refuse_other_words(ONE, [by("small"), by("small", "Another.")])


def test_a_label_is_about_the_only_rule_that_could_break() -> None:
    """`exact` is certain, so it does not count; with a second unsure rule nothing can be told."""
    rows = [row(i, i % 2, x=0.5, y=0.5) for i in range(40)]
    (found,), left = samples(ONE, rows)
    assert (found.rule.id, len(found.labels), int(found.labels.sum()), left) == ("x", 40, 20, {})
    with pytest.raises(BadInput, match=r"their `label` could as well be about y.*--rule"):
        samples(TWO, rows)


def test_a_label_may_be_about_a_rule_with_another_critic() -> None:
    """Whoever is unsure can be the one that it is about."""
    guarded = Manifesto(name="m", version="1", rules=(X, Y.model_copy(update={"critics": ("guard",)})))
    with pytest.raises(BadInput, match=r"x: .* could as well be about y.*\n?y: .* could as well be about x"):
        told_of(guarded, [row(i, i % 2) for i in range(40)])


def test_a_rule_that_is_named_takes_every_label() -> None:
    """But for rows that tell the truth about it themselves."""
    rows = [row(i, i % 2, x=0.5, y=0.5) for i in range(40)] + [row(99, 1, truth={"y": 1}, x=0.5, y=0.5)]
    (found,), _ = samples(TWO, rows, "x")
    assert len(found.labels) == 40


def test_rows_tell_of_the_rules_they_name() -> None:
    """Each rule is calibrated on its own; one with too few rows is left out, and said."""
    rows = [row(i, i % 2, truth={"x": i % 2}, x=0.5) for i in range(40)]
    rows += [row(100 + i, 1, truth={"y": 1}, y=0.5) for i in range(5)]
    (found,), left = samples(TWO, rows)
    assert found.rule.id == "x"
    assert left == {"y": "judge decided 5 rows that break it and 0 that keep it; 10 of each are needed"}


@pytest.mark.parametrize(
    ("named", "side", "said"),
    [
        ("nobody", "output", "m has no rule 'nobody'; it has x, exact"),
        ("exact", "output", "its critics (patterns) are certain"),
        ("x", "input", "it judges output, and no row has a response"),
        ("x", "output", "judge decided 2 rows"),
    ],
)
def test_what_is_missing_is_said(named: str, side: str, said: str) -> None:
    """By rule."""
    with pytest.raises(BadInput) as caught:
        samples(ONE, [row(i, i % 2, side=side, x=0.5) for i in range(4)], named)
    assert said in str(caught.value)


def test_what_can_be_calibrated_is_known_before_anything_is_judged() -> None:
    """From labels alone."""
    assert told_of(TWO, [row(1, 1, truth={"y": 1})]) == [Y]


BASE = """\
name: base
version: "1"
rules:
  - {id: x, statement: X., action: veto, calibration: {judge: {temperature: 2}}}
"""


def written(folder: Path, path: Path, text: str = BASE) -> Manifesto:
    base = folder / "base.yaml"
    base.write_text(text)
    manifesto = load(str(base))
    done = calibrate(sample(*distorted(400, 0.5, -2), manifesto.rules[0]))
    write_overlay(path, overlay(manifesto, extends_from(str(base), path), [done], ["From data.", "Today."]), trusted=())
    return load(str(path))


def test_the_overlay_extends_what_was_measured(tmp_path: Path) -> None:
    """From another folder too; what is not calibrated is the parent's; figures stand in its comment."""
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "new.yaml"
    manifesto = written(tmp_path, path)
    (rule,) = manifesto.rules
    assert (manifesto.name, manifesto.version, rule.action) == ("base-calibrated", "1", "veto")
    assert isinstance(rule.calibration["judge"].platt, Platt)
    assert rule.threshold != 0.5
    assert "extends: ../base.yaml" in path.read_text()
    assert path.read_text().startswith("# From data.\n# Today.\n#\n# x: 400 rows, ")
    assert list(path.parent.iterdir()) == [path]


def test_an_overlay_may_be_a_link(tmp_path: Path) -> None:
    """To a file in another folder, from which its parent lies elsewhere; it is checked there, and read here."""
    (tmp_path / "out").mkdir()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "out" / "new.yaml")
    assert written(tmp_path, tmp_path / "link.yaml") == load(str(tmp_path / "out" / "new.yaml"))
    (tmp_path / "beside.yaml").symlink_to(tmp_path / "own.yaml")
    assert extends_from(str(tmp_path / "parent.yaml"), tmp_path / "beside.yaml") == "parent.yaml"


@pytest.mark.parametrize("id", ["1e3", "12e03", "0o17", "yes", "null"])
def test_an_overlay_quotes_ids_that_look_like_something_else(tmp_path: Path, id: str) -> None:
    """By whichever YAML they would."""
    manifesto = written(tmp_path, tmp_path / "new.yaml", BASE.replace("id: x,", f'id: "{id}",'))
    assert [rule.id for rule in manifesto.rules] == [id]


def test_an_inherited_calibration_that_was_not_in_force_is_taken_away(tmp_path: Path) -> None:
    """Another model's, say: who is taken at its word was measured without it."""
    base, path = tmp_path / "base.yaml", tmp_path / "new.yaml"
    base.write_text(BASE)
    manifesto = load(str(base))
    measured = manifesto.rules[0].model_copy(update={"calibration": {}})
    done = calibrate(sample(*distorted(400, 1, 0), measured))
    plain = replace(done, critics=tuple(replace(f, method=None, calibration=None) for f in done.critics))
    write_overlay(path, overlay(manifesto, "base.yaml", [plain], []), trusted=())
    assert load(str(path)).rules[0].calibration == {}


def test_an_overlay_that_cannot_be_loaded_is_not_written(tmp_path: Path) -> None:
    """What was there stays, and nothing is left lying about."""
    path = tmp_path / "new.yaml"
    path.write_text("old")
    with pytest.raises(Exception, match="nowhere"):
        write_overlay(path, "name: a\nextends: nowhere.yaml\n", trusted=())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_overwritten_unasked_and_the_parent_never(tmp_path: Path) -> None:
    """Not even the parent's parent, by whatever path."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "mid.yaml").write_text("name: mid\nextends: base.yaml\n")
    name = str(tmp_path / "mid.yaml")
    refuse_overwriting(tmp_path / "new.yaml", name, force=False)
    (tmp_path / "there.yaml").touch()
    with pytest.raises(BadInput, match="--force"):
        refuse_overwriting(tmp_path / "there.yaml", name, force=False)
    refuse_overwriting(tmp_path / "there.yaml", name, force=True)
    for file in ("mid.yaml", "base.yaml", "../" + tmp_path.name + "/base.yaml"):
        with pytest.raises(BadInput, match="builds on"):
            refuse_overwriting(tmp_path / file, name, force=True)


def test_a_shipped_manifesto_is_extended_by_its_name(tmp_path: Path) -> None:
    """A path is relative to the new file, with what tells it from a name."""
    assert extends_from("house-style", tmp_path / "a.yaml") == "house-style"
    assert extends_from(str(tmp_path / "b" / "own"), tmp_path / "b" / "a.yaml") == "./own"

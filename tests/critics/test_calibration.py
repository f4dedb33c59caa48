from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import manifestos
from critics import (
    Calibration,
    Exchange,
    Finding,
    Judge,
    Manifesto,
    Message,
    Panel,
    Patterns,
    PatternsCritic,
    Platt,
    Rule,
    ScriptedCritic,
    ScriptedJudgeModel,
    check,
    corrected,
    load,
    weigh,
)
from critics.calibration import uncorrected
from critics.manifesto.tree import parse

EXCHANGE = Exchange((Message("user", "hello"),), "hi")
HALVES = Calibration(isotonic=((0.0, 0.0), (1.0, 0.5)))


def rule(calibration: Calibration | None, threshold: float = 0.5, **more: object) -> Rule:
    given = {"judge": calibration} if calibration else {}
    return Rule(id="a", statement="A.", threshold=threshold, calibration=given, **more)  # type: ignore[arg-type]


def verdict(probability: float | None, only: Rule):  # type: ignore[no-untyped-def]
    return weigh(Manifesto(name="m", version="1", rules=(only,)), [only], [Finding("a", "judge", probability)])


shares = st.floats(0, 1)
positive = st.floats(0.01, 100)
rising = st.lists(st.tuples(shares, shares), min_size=2, max_size=8).map(
    lambda points: tuple(zip(sorted({x for x, _ in points}), sorted(y for _, y in points), strict=False))
)
calibrations = st.one_of(
    positive.map(lambda t: Calibration(temperature=t)),
    st.tuples(positive, st.floats(-20, 20)).map(lambda p: Calibration(platt=Platt(slope=p[0], intercept=p[1]))),
    rising.filter(lambda points: len(points) > 1).map(lambda points: Calibration(isotonic=points)),
)


@pytest.mark.parametrize(
    ("calibration", "said", "true"),
    [
        (Calibration(temperature=2.0), 0.9, 0.75),  # odds 9, their root 3
        (Calibration(temperature=0.5), 0.75, 0.9),
        (Calibration(platt=Platt(slope=1.0, intercept=math.log(3))), 0.25, 0.5),  # odds 1/3, three times that
        (Calibration(isotonic=((0.2, 0.1), (0.6, 0.5))), 0.3, 0.2),
        (Calibration(isotonic=((0.2, 0.1), (0.6, 0.5))), 0.0, 0.1),
        (Calibration(isotonic=((0.2, 0.1), (0.6, 0.5))), 1.0, 0.5),
    ],
)
def test_each_way_is_what_it_says(calibration: Calibration, said: float, true: float) -> None:
    """Worked out by hand."""
    assert corrected(calibration, said) == pytest.approx(true)


@given(calibrations, shares, shares)
def test_no_calibration_turns_an_order_round(calibration: Calibration, one: float, other: float) -> None:
    """And what comes of it is a probability."""
    low, high = (corrected(calibration, p) for p in sorted((one, other)))
    assert 0 <= low <= high + 1e-12
    assert high <= 1


@given(calibrations, shares, st.floats(0.01, 0.99))
def test_a_critic_and_a_verdict_agree_on_what_is_broken(calibration: Calibration, said: float, line: float) -> None:
    """The threshold on the critic's own scale lies exactly where the calibrated one is reached."""
    raw_says, calibrated_says = said >= uncorrected(calibration, line), corrected(calibration, said) >= line
    # Where rounding makes the curve itself unsteady, both sides may differ within that rounding only.
    assert raw_says == calibrated_says or corrected(calibration, said) == pytest.approx(line, abs=1e-12)


def test_threshold_score_and_breach_are_about_the_calibrated_probability() -> None:
    """0.9 counts as 0.45: kept, and on record with what the critic said."""
    result = verdict(0.9, rule(HALVES))
    assert result.outcome == "pass"
    assert (result.score, result.breach) == (pytest.approx(0.55), pytest.approx(0.45))
    (finding,) = result.judgements[0].findings
    assert (finding.probability, finding.raw) == (pytest.approx(0.45), 0.9)


def test_what_was_calibrated_once_is_not_calibrated_again() -> None:
    """The loop weighs the same findings more than once."""
    only = rule(HALVES)
    (once,) = verdict(0.8, only).judgements[0].findings
    (twice,) = weigh(Manifesto(name="m", version="1", rules=(only,)), [only], [once]).judgements[0].findings
    assert twice.probability == pytest.approx(0.4)


def test_undecided_stays_undecided() -> None:
    """No calibration makes a word out of silence."""
    assert verdict(None, rule(HALVES)).outcome == "undecided"


def test_a_critic_without_calibration_is_left_alone() -> None:
    """It goes by the critic's name."""
    (finding,) = verdict(0.9, rule(None)).judgements[0].findings
    assert (finding.probability, finding.raw) == (0.9, None)


def test_the_panel_calibrates_by_the_name_that_the_rule_calls_a_critic() -> None:
    """Whatever it calls itself."""
    own = Rule(id="a", statement="A.", critics=("own:make",), calibration={"own:make": HALVES})
    (finding,) = Panel({"own:make": ScriptedCritic(lambda text, rule: 0.8, name="me")})(EXCHANGE, [own])
    assert (finding.critic, finding.raw) == ("own:make", 0.8)
    assert finding.probability == pytest.approx(0.4)


@pytest.mark.parametrize(("threshold", "critique"), [(0.5, ""), (0.3, "It does.")])
def test_the_judge_gives_reasons_where_the_calibrated_rule_is_broken(threshold: float, critique: str) -> None:
    """0.8 counts as 0.4: asked for prose under a threshold of 0.3, not under one of 0.5."""
    model = ScriptedJudgeModel(readings=[{"yes": 0.8, "no": 0.2}], writings=["It does."])
    only = rule(HALVES, threshold)
    (finding,) = Panel({"judge": Judge(model)})(EXCHANGE, [only])
    assert finding.critique == critique


def test_a_judge_that_left_a_part_unread_does_not_pass_by_calibration() -> None:
    """Raw, 0.8 would be a breach and settle it; calibrated it is none, so the unread part counts."""
    words = " ".join(f"word{i}" for i in range(200))
    readings = [{"yes": 0.8, "no": 0.2}] + [{"yes": 0.0, "no": 0.0}] * 30
    judge = Judge(ScriptedJudgeModel(readings=readings, context=330), critiques=False)
    exchange = Exchange((Message("user", "hello"),), words)
    (raw,) = Panel({"judge": judge}, seconds=None)(exchange, [rule(None)])
    again = Judge(ScriptedJudgeModel(readings=readings, context=330), critiques=False)
    (finding,) = Panel({"judge": again}, seconds=None)(exchange, [rule(HALVES)])
    assert raw.probability == 0.8
    assert finding.probability is None


PARENT = """\
name: parent
version: "1"
rules: [{id: a, statement: A., weight: 3}]
"""
CHILD = "name: child\nextends: parent.yaml\nrules:\n  - {{id: a, threshold: 0.6, calibration: {}}}\n"


def overlay(folder: Path, calibration: str) -> str:
    (folder / "parent.yaml").write_text(PARENT)
    (folder / "child.yaml").write_text(CHILD.format(calibration))
    return str(folder / "child.yaml")


def test_an_overlay_calibrates_what_it_extends(tmp_path: Path) -> None:
    """Only threshold and calibration are its own, and its hash is another for another calibration."""
    first = load(overlay(tmp_path, "{judge: {temperature: 2}}"))
    (only,) = first.rules
    assert (only.weight, only.threshold, only.calibration["judge"].temperature) == (3, 0.6, 2)
    assert load(overlay(tmp_path, "{judge: {temperature: 3}}")).hash != first.hash


@pytest.mark.parametrize(
    ("calibration", "said"),
    [
        ("{judge: {temperature: 0}}", "calibration.judge.temperature`: input should be greater than 0"),
        ("{judge: {}}", "calibration.judge`: give one of temperature, platt, isotonic"),
        ("{judge: {temperature: 2, isotonic: [[0, 0], [1, 1]]}}", "give one of temperature, platt, isotonic"),
        ("{judge: {temprature: 2}}", "unknown key `rules[0].calibration.judge.temprature`; did you mean `temperature`"),
        ("{judge: {platt: {slope: -1, intercept: 0}}}", "platt.slope`: input should be greater than 0"),
        ("{judge: {isotonic: [[0, 0.5], [1, 0.1]]}}", "isotonic must rise"),
        ("{judge: {isotonic: [[0.5, 0], [0.5, 1]]}}", "isotonic must rise"),
        ("{judge: {isotonic: [[0, 0], [1, 1.5]]}}", "less than or equal to 1"),
        ("{judge: {isotonic: [[0, 0]]}}", "at least 2"),
        ("{jugde: {temperature: 2}}", "`jugde` is not among the rule's critics; did you mean `judge`?"),
        ("{judge: {isotonic: [[0, 0], [1, 0.4]]}}", "can never break the rule: calibrated it gives at most 0.4"),
    ],
)
def test_a_calibration_that_cannot_work_is_found(tmp_path: Path, calibration: str, said: str) -> None:
    """With its line and what was probably meant."""
    (fault,) = check(overlay(tmp_path, calibration))
    assert said in str(fault)
    assert fault.line == 4


@pytest.mark.parametrize(("combine", "threshold", "said"), [("max", 0.6, 1), ("mean", 0.6, 0), ("mean", 0.8, 1)])
def test_a_critic_that_never_breaks_a_rule_alone_may_do_so_with_others(
    tmp_path: Path, combine: str, threshold: float, said: int
) -> None:
    """A mean of at most 0.4 and 1 comes to 0.7."""
    text = f"""\
name: m
version: "1"
rules:
  - id: a
    statement: A.
    critics: [patterns, guard, judge]
    patterns: {{forbid: [x]}}
    combine: {combine}
    threshold: {threshold}
    calibration: {{judge: {{isotonic: [[0, 0], [1, 0.4]]}}}}
"""
    (tmp_path / "m.yaml").write_text(text)
    faults = check(str(tmp_path / "m.yaml"))
    assert ["can never break the rule" in str(fault) for fault in faults] == [True] * said


def test_editors_know_calibrations(tmp_path: Path) -> None:
    """The schema takes what loads and refuses what does not."""
    schema = json.loads(manifestos.schema_path().read_text())
    jsonschema.validate(parse(CHILD.format("{judge: {platt: {slope: 1, intercept: 0}}}"), "c").plain(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse(CHILD.format("{judge: {isotonic: [[0, 2], [1, 1]]}}"), "c").plain(), schema)


@pytest.mark.parametrize("languages", [(), ("en",)])
def test_a_language_is_not_complained_of_because_everything_is(languages: tuple[str, ...]) -> None:
    """A calibration by which nothing said is a breach leaves the critic's own word as it is."""
    always = Calibration(isotonic=((0.0, 0.6), (1.0, 0.9)))
    options = Patterns(forbid=("x",), languages=languages)
    only = Rule(id="a", statement="A.", critics=("patterns",), patterns=options, calibration={"patterns": always})
    draft = Exchange((), "This is plain English, and nothing of it is forbidden.")
    (finding,) = Panel({"patterns": PatternsCritic()}, seconds=None)(draft, [only])
    assert (finding.raw, finding.probability, finding.critique) == (0.0, 0.6, "")

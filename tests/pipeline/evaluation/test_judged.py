from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from critics import Calibration, Exchange, Finding, Manifesto, Panel, Rule
from pipeline import BadInput, Pipeline
from pipeline.evaluation import Judged, Row, judge_row, only_critics, only_rules, read_saved, saving
from pipeline.evaluation.prompts import grouped
from tests.pipeline.evaluation.conftest import telling

X = Rule(id="x", statement="X.")
Y = Rule(id="y", statement="Y.", action="flag")
IN = Rule(id="in", statement="In.", applies_to="input", action="veto")


def judged(text: str, response: str | None, *rules: Rule, label: int = 0) -> Judged:
    return judge_row(telling(*rules), Row("s", 1, text, response, label, {}))


@pytest.mark.parametrize(
    ("response", "outcome", "breach"),
    [
        ("x=0.2 y=0.2", "pass", 0.2),
        ("x=0.2 y=0.7", "broken", 0.7),  # a flag counts: something was broken
        ("x=0.9", "broken", 0.9),
        ("y=0.2", "undecided", None),
    ],
)
def test_a_row_is_broken_undecided_or_passes_as_a_whole(response: str, outcome: str, breach: float | None) -> None:
    """Whatever the rules' actions; undecided has no breach, though some rules have a probability."""
    row = judged("hi", response, X, Y)
    assert row.outcome == outcome
    assert row.breach == (None if breach is None else pytest.approx(breach))


def test_without_a_response_the_rules_for_input_judge() -> None:
    """And a side that no rule is for is undecided, with the reason."""
    assert judged("in=0.9 x=0.1", None, X, IN).rules.keys() == {"in"}
    assert judged("hi", "x=0.1 in=0.9", X, IN).rules.keys() == {"x"}
    silent = judged("hi", None, X)
    assert (silent.outcome, silent.why) == ("undecided", "the manifesto has no rule for it")


def test_what_a_critic_itself_said_is_kept_beside_what_it_is_worth() -> None:
    """Calibrations are fitted on the one and measured by the other."""
    halved = X.model_copy(update={"calibration": {"judge": Calibration(isotonic=((0.0, 0.0), (1.0, 0.5)))}})
    said = judged("hi", "x=0.8", halved).rules["x"]
    assert said.probability == pytest.approx(0.4)
    assert said.critics == {"judge": 0.8}


def test_who_doubted_its_own_word_or_spoke_of_a_part_is_kept() -> None:
    """A cascade goes by the one, another threshold by the other."""

    def wary(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return [Finding(rule.id, "judge", 0.1, doubtful=rule.id == "x", in_part=rule.id == "y") for rule in rules]

    pipeline = Pipeline(Manifesto(name="m", version="1", rules=(X, Y)), Panel({"judge": wary}, seconds=None))
    row = judge_row(pipeline, Row("s", 1, "hi", "hello", 0, {}))
    assert (row.rules["x"].doubtful, row.rules["y"].doubtful) == (("judge",), ())
    assert (row.rules["x"].in_part, row.rules["y"].in_part) == ((), ("judge",))


def test_tokens_and_seconds_are_those_of_the_judgement() -> None:
    """One token a rule by the scripted critic."""
    row = judged("hi", "x=0.1 y=0.1", X, Y)
    assert (row.tokens, row.rules["x"].tokens) == (2, 1)
    assert 0 < row.seconds < 1


def test_rows_with_one_prompt_can_be_told_when_they_are_saved() -> None:
    """In any case and spacing; those without one, or of which it is not known, have nothing in common."""
    one, same, other = (judged(text, "x=0.1", X).prompt for text in ("How are  you?", "how are you?", "\ud800"))
    assert one == same != other
    assert grouped([one, other, same, "", "", None, None]).tolist() == [0, 1, 0, 2, 3, 4, 5]
    assert grouped([one, one]).tolist() == [0, 1]


def test_only_some_critics() -> None:
    """Rules lose the other critics, and go where none is left."""
    both = Rule(id="both", statement="B.", critics=("patterns", "judge"))
    manifesto = Manifesto(name="m", version="1", rules=(X, both))
    kept = only_critics(manifesto, ("patterns",)).rules
    assert [(rule.id, rule.critics) for rule in kept] == [("both", ("patterns",))]
    with pytest.raises(BadInput, match="no rule of m has the critic 'probe'; there are judge, patterns"):
        only_critics(manifesto, ("probe",))


def test_only_some_rules_asks_the_same_critics() -> None:
    """They may answer differently where they know of fewer rules."""
    pipeline = telling(X, Y)
    assert only_rules(pipeline, {"x"}).critic is pipeline.critic
    row = judge_row(only_rules(pipeline, {"x"}), Row("s", 1, "hi", "x=0.1", 0, {}))
    assert row.rules.keys() == {"x"}


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    """To the last figure, whatever is in the ids."""
    rows = [judged("hi", "x=0.123456789012345", X), judged("hi", "", X).model_copy(update={"id": 'q"\n\ud800'})]
    with saving(tmp_path / "s.jsonl") as keep:
        for row in rows:
            keep(row)
    assert read_saved([tmp_path / "s.jsonl"]) == rows
    assert not (tmp_path / "s.jsonl.partial").exists()


def test_what_was_judged_before_a_stop_is_kept(tmp_path: Path) -> None:
    """Under a name that says that it is not all."""
    path = tmp_path / "s.jsonl"

    def stopped() -> None:
        with saving(path) as keep:
            keep(judged("hi", "x=0.1", X))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not path.exists()
    assert len(read_saved([tmp_path / "s.jsonl.partial"])) == 1


def test_what_was_measured_is_not_overwritten(tmp_path: Path) -> None:
    """It may have cost a night."""
    (tmp_path / "s.jsonl").write_text("old")
    with pytest.raises(BadInput, match="is there already"), saving(tmp_path / "s.jsonl"):
        pass
    assert (tmp_path / "s.jsonl").read_text() == "old"


def test_what_a_stop_left_is_not_overwritten(tmp_path: Path) -> None:
    """By the same command, given once more."""
    (tmp_path / "s.jsonl.partial").write_text("old")
    with (
        pytest.raises(BadInput, match=r"s\.jsonl\.partial .*: move it away, or use it with --compare"),
        saving(tmp_path / "s.jsonl"),
    ):
        pass
    assert (tmp_path / "s.jsonl.partial").read_text() == "old"


def test_a_run_that_judged_nothing_leaves_nothing(tmp_path: Path) -> None:
    """So that the same command can be given once more."""
    with pytest.raises(KeyboardInterrupt), saving(tmp_path / "s.jsonl"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_holds_no_saved_rows_is_refused(jsonl: Callable[..., Path]) -> None:
    """By file and line."""
    path = jsonl([{"text": "hi", "label": 1}])
    with pytest.raises(BadInput) as caught:
        read_saved([path])
    assert str(caught.value).startswith(f"{path}:1: not a row that `superego eval --save` wrote")


def test_a_row_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """By file and line: the same file given twice would count for two."""
    path = tmp_path / "s.jsonl"
    with saving(path) as keep:
        keep(judged("hi", "x=0.1", X))
    with pytest.raises(BadInput, match=r"s\.jsonl:1: a second row 1 of s, and each counts once: leave one out"):
        read_saved([path, path])


def test_a_last_line_that_was_torn_is_left_out_and_told(tmp_path: Path) -> None:
    """Only the last, only without its end, and never unsaid."""
    path = tmp_path / "s.jsonl"
    with saving(path) as keep:
        keep(judged("hi", "x=0.1", X))
        keep(judged("hi", "x=0.2", X).model_copy(update={"id": 2}))
    whole, told = path.read_bytes(), list[str]()
    path.write_bytes(whole[:-40])
    assert [row.id for row in read_saved([path], told.append)] == [1]
    assert told == [f"note: {path}:2 is left out: the run that wrote it was stopped before the line's end"]
    with pytest.raises(BadInput, match=r"s\.jsonl:2: not a row"):
        read_saved([path])
    path.write_bytes(whole[:-40] + b"\n")
    with pytest.raises(BadInput, match=r"s\.jsonl:2: not a row"):
        read_saved([path], told.append)
    path.write_bytes(whole[:-1])
    assert len(read_saved([path], told.append)) == 2
    assert len(told) == 1

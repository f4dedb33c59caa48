"""`superego eval` and `superego calibrate`, with a critic that believes what texts say of themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from critics import Prompt, Written
from pipeline.cli.main import app
from pipeline.llama import LlamaJudgeModel
from tests.pipeline.cli.interruptible import COMMAND

CRITIC = """\
from critics import Finding

def make():
    def judge(exchange, rules):
        given = dict(word.split("=") for word in exchange.judged.split() if "=" in word)
        return [Finding(r.id, "own", float(given[r.id]) if r.id in given else None, "said so") for r in rules]
    return judge
"""
MANIFESTO = """\
name: own
version: "1"
rules:
  - {id: kind, statement: Kind., critics: ["telling:make"], action: veto}
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!"]}, action: flag}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "telling.py").write_text(CRITIC)
    (tmp_path / "own.yaml").write_text(MANIFESTO)
    (tmp_path / "superego.yaml").write_text("trusted: ['telling:make']\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def data(folder: Path, rows: list[tuple[int, str]], name: str = "data.jsonl", **more: Any) -> str:
    lines = [
        json.dumps({"id": i, "text": "hi", "response": r, "label": label, **more}) for i, (label, r) in enumerate(rows)
    ]
    (folder / name).write_text("\n".join(lines))
    return name


ROWS = [(1, "kind=0.9"), (1, "kind=0.2"), (0, "kind=0.7"), (0, "kind=0.1"), (0, "kind=0 !"), (1, "who knows")]


def test_eval_prints_figures_on_standard_output_and_notes_on_standard_error(tmp_path: Path) -> None:
    """Six rows, three of them broken, one of those undecided."""
    result = run("eval", data(tmp_path, ROWS), "-m", "own.yaml")
    assert result.exit_code == 0, result.stderr
    assert "AUROC" in result.stdout
    assert "1 of 6 rows are undecided, 1 of them because of kind: " in result.stderr
    assert "surest and wrong" in result.stderr


def test_eval_json_is_the_whole(tmp_path: Path) -> None:
    """Found: 1 of 3 breaches; false alarms: 2 of 3, one of them by a flag."""
    result = run("eval", data(tmp_path, ROWS), "-m", "own.yaml", "--json")
    (part,) = json.loads(result.stdout)["parts"]
    assert part["recall"] == pytest.approx(1 / 3)
    assert part["false_positive_rate"] == pytest.approx(2 / 3)
    assert part["undecided_positives"] == 1
    assert {m["id"] for m in part["mistakes"]} == {1, 2, 4}
    assert part["baselines"]["refusal phrases"]["recall"] == 1


def test_eval_of_one_critic_leaves_the_others_out(tmp_path: Path) -> None:
    """What `patterns` flags no longer counts; a name that no rule has is told."""
    file = data(tmp_path, ROWS)
    result = run("eval", file, "-m", "own.yaml", "--critic", "telling:make", "--json")
    (part,) = json.loads(result.stdout)["parts"]
    assert part["false_positive_rate"] == pytest.approx(1 / 3)
    refused = run("eval", file, "-m", "own.yaml", "--critic", "nobody")
    assert refused.exit_code == 2
    assert "no rule of own has the critic 'nobody'" in refused.stderr


def test_eval_saves_reports_and_compares(tmp_path: Path) -> None:
    """The second run over the same rows is compared with the first."""
    file = data(tmp_path, ROWS)
    first = run("eval", file, "-m", "own.yaml", "--save", "first.jsonl", "--report", "page.html")
    assert first.exit_code == 0, first.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    lines = [json.loads(line) for line in (tmp_path / "first.jsonl").read_text().splitlines()]
    assert [(line["id"], line["label"], line["outcome"]) for line in lines[:2]] == [(0, 1, "broken"), (1, 1, "pass")]
    assert lines[1]["rules"]["kind"]["probability"] == 0.2
    again = run("eval", file, "-m", "own.yaml", "--critic", "telling:make", "--compare", "first.jsonl", "--json")
    comparison = json.loads(again.stdout)["comparison"]
    assert (comparison["rows"], comparison["only_this"], comparison["only_other"]) == (6, 1, 0)
    taken = run("eval", file, "-m", "own.yaml", "--save", "first.jsonl")
    assert taken.exit_code == 2
    assert "first.jsonl is there already" in taken.stderr


def test_runs_that_cannot_be_compared_are_refused_before_anything_is_judged(tmp_path: Path) -> None:
    """And not after an hour: other rows, and the same with other labels."""
    assert run("eval", data(tmp_path, ROWS), "-m", "own.yaml", "--save", "first.jsonl").exit_code == 0
    (tmp_path / "telling.py").write_text("raise SystemExit('judged')")
    others = data(tmp_path, [(label, f"other {said}") for label, said in ROWS], "others.jsonl")
    turned = data(tmp_path, [(1 - label, said) for label, said in ROWS], "turned.jsonl")
    for file, why in ((others, "nothing to compare"), (turned, "labelled otherwise")):
        result = run("eval", file, "-m", "own.yaml", "--compare", "first.jsonl", "--save", "s.jsonl")
        assert (result.exit_code, why in result.stderr) == (2, True)
        assert not list(tmp_path.glob("s.jsonl*"))


def test_what_a_stopped_run_left_is_compared_without_its_torn_line(tmp_path: Path) -> None:
    """As the message says that told where it is; the line is named."""
    file = data(tmp_path, ROWS)
    assert run("eval", file, "-m", "own.yaml", "--save", "s.jsonl").exit_code == 0
    (tmp_path / "s.jsonl.partial").write_bytes((tmp_path / "s.jsonl").read_bytes()[:-100])
    result = run("eval", file, "-m", "own.yaml", "--compare", "s.jsonl.partial", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["comparison"]["rows"] == 5
    assert "s.jsonl.partial:6 is left out" in result.stderr


def test_eval_of_rows_that_are_all_undecided_is_a_fault(tmp_path: Path) -> None:
    """There are figures, and nothing was measured; one row that is decided is enough."""
    (tmp_path / "own.yaml").write_text(MANIFESTO.rpartition("  - {id: calm")[0])
    result = run("eval", data(tmp_path, [(1, "nothing said"), (0, "nor here")]), "-m", "own.yaml", "--json")
    assert result.exit_code == 1
    assert "every row is undecided" in result.stderr
    assert json.loads(result.stdout)["parts"][0]["undecided_share"] == 1
    assert run("eval", data(tmp_path, [(1, "kind=0.9"), (0, "nor here")]), "-m", "own.yaml").exit_code == 0


def test_a_bad_row_ends_it_before_anything_is_judged(tmp_path: Path) -> None:
    """With file and line, exit code 2, and nothing written."""
    (tmp_path / "bad.jsonl").write_text('{"text": "a", "label": 1}\n{"text": "a"}\n')
    result = run("eval", "bad.jsonl", "-m", "own.yaml", "--save", "s.jsonl", "--report", "p.html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "bad.jsonl:2: label: Field required" in result.stderr
    assert not list(tmp_path.glob("s.jsonl*")) + list(tmp_path.glob("p.html"))


def test_a_report_that_cannot_be_written_is_told_before_anything_is_judged(tmp_path: Path) -> None:
    """And not after an hour."""
    (tmp_path / "telling.py").write_text("raise SystemExit('judged')")
    result = run("eval", data(tmp_path, ROWS), "-m", "own.yaml", "--report", "no/page.html")
    assert result.exit_code == 2
    assert "no/page.html cannot be written: there is no such folder" in result.stderr


@pytest.mark.parametrize("module", ["sklearn", "matplotlib"])
def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Before anything is judged."""
    monkeypatch.setitem(sys.modules, module, None)
    result = run("eval", data(tmp_path, ROWS), "-m", "own.yaml")
    assert result.exit_code == 1
    assert "pip install 'superego[eval]'" in result.stderr


def test_the_extra_is_not_loaded_by_other_commands() -> None:
    """`superego --help` must answer at once."""
    code = "import sys, pipeline.cli.main; print({'sklearn', 'matplotlib', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_ctrl_c_keeps_what_was_judged(tmp_path: Path) -> None:
    """Exit code 130, and where the rows are."""
    slow = CRITIC.replace(
        "    def judge(exchange, rules):", "    import time\n    def judge(exchange, rules):\n        time.sleep(0.2)"
    )
    (tmp_path / "telling.py").write_text(slow)
    file = data(tmp_path, [(i % 2, f"kind=0.{i % 10}") for i in range(1000)])
    process = subprocess.Popen(
        [*COMMAND, "eval", file, "-m", "own.yaml", "--save", "s.jsonl"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )
    partial = tmp_path / "s.jsonl.partial"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size):
        time.sleep(0.05)
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "they are kept in s.jsonl.partial" in said
    assert json.loads(partial.read_text().splitlines()[0])["id"] == 0


def graded(count: int = 120) -> list[tuple[int, str]]:
    """A critic that is too sure of itself: above a half, two of three are broken; below, one of five."""
    rows = []
    for i in range(count):
        high = i % 2
        broken = i % 6 < 4 if high else i % 10 < 2
        rows.append((int(broken), f"kind={0.97 if high else 0.03}{i:03}"))
    return rows


def test_calibrate_writes_a_manifesto_that_judges_by_what_it_measured(tmp_path: Path) -> None:
    """`kind` is the only unsure rule, so a label is about it; the raw word stays on record."""
    result = run("calibrate", data(tmp_path, graded()), "-m", "own.yaml", "-o", "new.yaml")
    assert result.exit_code == 0, result.stderr
    assert "kind" in result.stdout
    text = (tmp_path / "new.yaml").read_text()
    assert text.startswith("# Written by `superego calibrate` on 20")
    assert "from data.jsonl (120 rows), with thresholds for\n# the best F1." in text
    assert run("check", "new.yaml").exit_code == 0
    (tmp_path / "one.jsonl").write_text(json.dumps({"text": "hi", "response": "kind=0.97"}))
    judged = json.loads(run("judge", "one.jsonl", "-m", "new.yaml").stdout)
    finding = judged["findings"][0]
    assert finding["raw"] == 0.97
    assert finding["probability"] == pytest.approx(0.667, abs=0.1)
    assert judged["outcome"] == "veto"
    assert "raw" not in judged["findings"][1]


def test_calibrate_from_what_eval_saved_judges_nothing(tmp_path: Path) -> None:
    """And comes to the same."""
    file = data(tmp_path, graded())
    assert run("eval", file, "-m", "own.yaml", "--save", "saved.jsonl").exit_code == 0
    fresh = run("calibrate", file, "-m", "own.yaml", "-o", "a.yaml", "--json", "--method", "platt")
    (tmp_path / "telling.py").write_text("raise SystemExit('judged again')")
    again = run("calibrate", "--from", "saved.jsonl", "-m", "own.yaml", "-o", "b.yaml", "--json", "--method", "platt")
    assert again.exit_code == 0, again.stderr
    assert json.loads(fresh.stdout)["rules"] == json.loads(again.stdout)["rules"]


def test_calibrate_from_what_a_cascade_saved_says_what_is_missing(tmp_path: Path) -> None:
    """And what it says to do instead does it."""
    (tmp_path / "twice.py").write_text(CRITIC + "again = make\n")
    (tmp_path / "superego.yaml").write_text("trusted: ['twice:make', 'twice:again']\n")
    both = 'critics: ["twice:make", "twice:again"], open_between: [0.4, 0.6]'
    (tmp_path / "two.yaml").write_text(MANIFESTO.replace('critics: ["telling:make"]', both))
    (tmp_path / "all.yaml").write_text("name: all\nextends: two.yaml\nrules: [{id: kind, open_between: null}]\n")
    file = data(tmp_path, graded())
    for name in ("two", "all"):
        result = run("eval", file, "-m", f"{name}.yaml", "--save", f"{name}.jsonl")
        assert result.exit_code == 0, result.stderr
    result = run("calibrate", "--from", "two.jsonl", "-m", "two.yaml", "-o", "new.yaml")
    assert (result.exit_code, "twice:again was not asked about" in result.stderr) == (2, True)
    assert not (tmp_path / "new.yaml").exists()
    assert run("calibrate", "--from", "all.jsonl", "-m", "two.yaml", "-o", "a.yaml").exit_code == 0
    assert run("calibrate", file, "-m", "two.yaml", "-o", "b.yaml").exit_code == 0


def test_calibrate_from_names_the_model_that_judged_whatever_is_set_today(tmp_path: Path) -> None:
    file = data(tmp_path, graded())
    assert run("eval", file, "-m", "own.yaml", "--save", "saved.jsonl").exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "saved.jsonl").read_text().splitlines()]
    others = [row | {"models": {"telling:make": "another"}} for row in rows]
    (tmp_path / "others.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in others))
    assert run("calibrate", "--from", "others.jsonl", "-m", "own.yaml", "-o", "new.yaml").exit_code == 0
    assert "of: another" in (tmp_path / "new.yaml").read_text()
    limited = run("calibrate", "--from", "others.jsonl", "-m", "own.yaml", "-o", "b.yaml", "--limit", "3")
    assert (limited.exit_code, "--limit is about data to judge" in limited.stderr) == (2, True)


@pytest.mark.timeout(30)
def test_calibrate_on_manifestos_that_extend_one_another_tells_the_circle(tmp_path: Path) -> None:
    """Who looks for what must not be written over goes through it once, and not for ever."""
    (tmp_path / "a.yaml").write_text("name: a\nextends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("name: b\nextends: a.yaml\n")
    result = run("calibrate", data(tmp_path, graded()), "-m", "a.yaml", "-o", "new.yaml")
    assert result.exit_code == 2
    assert "`extends` goes in a circle: a.yaml → b.yaml → a.yaml" in result.stderr


def test_calibrate_measures_what_judges_with_the_judge_that_is_set(tmp_path: Path) -> None:
    """Another one than the embedded: without its probe and its calibrations, which would take all for broken."""
    calibration = "{judge: {of: embedded, platt: {slope: 1, intercept: 9}}, probe: {of: embedded, temperature: 2}}"
    both = f"critics: [probe, judge], combine: mean, open_between: [0.3, 0.8], calibration: {calibration}"
    (tmp_path / "own.yaml").write_text(MANIFESTO.replace('critics: ["telling:make"]', both))
    rows = [
        {
            "set": "s",
            "id": i,
            "label": label,
            "truth": {},
            "side": "output",
            "outcome": "pass",
            "breach": 0.1,
            "rules": {
                "kind": {
                    "outcome": "pass",
                    "probability": 0.1,
                    "critics": {"judge": float(said.removeprefix("kind="))},
                    "statement": "Kind.",
                }
            },
            "models": {"judge": "openai:any"},
            "tokens": 0,
            "seconds": 0,
        }
        for i, (label, said) in enumerate(graded())
    ]
    (tmp_path / "saved.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    arguments = ("--from", "saved.jsonl", "-m", "own.yaml", "-o", "new.yaml", "--judge", "openai:any", "--json")
    result = run("calibrate", *arguments)
    assert result.exit_code == 0, result.stderr
    (rule,) = json.loads(result.stdout)["rules"]
    assert rule["before"]["false_positive_rate"] < 0.5
    assert [critic["critic"] for critic in rule["critics"]] == ["judge"]
    assert "some rows do not say which have one prompt" in result.stderr
    assert "embedded" not in (tmp_path / "new.yaml").read_text()


def test_calibrate_says_where_a_rule_would_break_always(tmp_path: Path) -> None:
    """A critic that says one thing of all rows tells nothing, and the best F1 is to take all for broken."""
    file = data(tmp_path, [(i % 2, "kind=0.4") for i in range(60)])
    result = run("calibrate", file, "-m", "own.yaml", "-o", "new.yaml")
    assert result.exit_code == 0, result.stderr
    assert "kind: its new threshold takes every row for broken" in result.stderr


def test_calibrate_keeps_to_a_rate_of_false_positives(tmp_path: Path) -> None:
    """On the rows it saw, measured by eval."""
    file = data(tmp_path, graded())
    assert run("calibrate", file, "-m", "own.yaml", "-o", "new.yaml", "--max-fpr", "0.1").exit_code == 0
    (part,) = json.loads(run("eval", file, "-m", "new.yaml", "--json").stdout)["parts"]
    assert part["false_positive_rate"] <= 0.1


def test_calibrate_judges_nothing_where_rows_are_too_few_for_whatever_comes_of_it(tmp_path: Path) -> None:
    """Not after an hour: ten of each kind, and what a bound takes, each with a prompt of its own."""
    (tmp_path / "telling.py").write_text("raise SystemExit('judged')")
    data(tmp_path, graded(6), "few.jsonl")
    for name, prompts in (("four", 4), ("fifteen", 15)):
        rows = [{"text": f"prompt {i % prompts}", "response": r, "label": n} for i, (n, r) in enumerate(graded())]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    few = (["few.jsonl"], [data(tmp_path, graded()), "--max-fpr", "0.01"])
    for arguments in (*few, ["four.jsonl"], ["fifteen.jsonl", "--max-fpr", "0.05"]):
        result = run("calibrate", *arguments, "-m", "own.yaml", "-o", "new.yaml", "--save", "s.jsonl")
        assert (result.exit_code, "kind: " in result.stderr) == (2, True)
        assert not list(tmp_path.glob("s.jsonl*"))


def test_calibrate_keeps_what_it_judged_for_another_aim(tmp_path: Path) -> None:
    """Where nothing came of it as well; the same rows then give the same."""
    both = '  - {id: kind, statement: Kind., critics: ["telling:make"], action: veto}\n'
    (tmp_path / "own.yaml").write_text(
        MANIFESTO.replace("action: veto}\n", "action: veto}\n" + both.replace("kind", "fair"))
    )
    rows = [
        {"text": f"t{i}", "response": f"{said} fair=0.5", "labels": {"kind": label, "fair": i % 2}}
        for i, (label, said) in enumerate(graded())
    ]
    (tmp_path / "two.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    first = run("calibrate", "two.jsonl", "-m", "own.yaml", "-o", "a.yaml", "--max-fpr", "0.1", "--save", "s.jsonl")
    assert first.exit_code == 0, first.stderr
    assert "not calibrated: fair: no threshold keeps to 0.1 false positives" in first.stderr
    (tmp_path / "telling.py").write_text("raise SystemExit('judged again')")
    again = run("calibrate", "--from", "s.jsonl", "-m", "own.yaml", "-o", "b.yaml")
    assert again.exit_code == 0, again.stderr
    refused = run("calibrate", "--from", "s.jsonl", "-m", "own.yaml", "-o", "c.yaml", "--save", "t.jsonl")
    assert (refused.exit_code, "with --from nothing is" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data.jsonl", "-o", "own.yaml", "--force"], "own.yaml is what the new manifesto builds on"),
        (["data.jsonl", "-o", "superego.yaml"], "superego.yaml is there already"),
        (["data.jsonl", "-o", "no/new.yaml"], "no/new.yaml cannot be written: there is no such folder"),
        (["-o", "new.yaml"], "either data to judge or --from"),
        (["data.jsonl", "-o", "new.yaml", "--max-fpr", "0.1", "--cost-ratio", "2"], "either --max-fpr or --cost-ratio"),
        (["data.jsonl", "-o", "new.yaml", "--rule", "calm"], "its critics (patterns) are certain"),
        (["few.jsonl", "-o", "new.yaml"], "10 of each are needed"),
        (["data.jsonl", "-o", "new.yaml", "--max-fpr", "0.01"], "kind: to keep to 0.01 false positives takes 124 rows"),
        (["input.jsonl", "-o", "new.yaml"], "no row has a response"),
    ],
)
def test_calibrate_says_what_is_missing(tmp_path: Path, arguments: list[str], said: str) -> None:
    """With exit code 2, and nothing is written."""
    data(tmp_path, graded())
    data(tmp_path, graded(6), "few.jsonl")
    (tmp_path / "input.jsonl").write_text(json.dumps({"text": "hi", "label": 1}))
    result = run("calibrate", *arguments, "-m", "own.yaml")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "new.yaml").exists()
    assert (tmp_path / "own.yaml").read_text() == MANIFESTO


def test_calibrate_overwrites_when_told_to(tmp_path: Path) -> None:
    """The one of yesterday, for instance."""
    file = data(tmp_path, graded())
    (tmp_path / "new.yaml").write_text("of yesterday")
    assert run("calibrate", file, "-m", "own.yaml", "-o", "new.yaml", "--force").exit_code == 0
    assert "of yesterday" not in (tmp_path / "new.yaml").read_text()


def test_the_embedded_model_is_measured_without_critiques(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On real weights: every row is decided and found broken, which `judge` explains, and not a word is written."""
    asked: list[str] = []
    write = LlamaJudgeModel.write

    def counted(self: LlamaJudgeModel, prompt: Prompt, **more: Any) -> Written:
        asked.append("why")
        return write(self, prompt, **more)

    monkeypatch.setattr(LlamaJudgeModel, "write", counted)
    text = MANIFESTO.replace('["telling:make"]', "[judge]").replace("action: veto", "action: veto, threshold: 0.01")
    (tmp_path / "own.yaml").write_text(text)
    result = run("eval", data(tmp_path, [(1, "Go away."), (0, "Welcome.")]), "-m", "own.yaml", "--json")
    (part,) = json.loads(result.stdout)["parts"]
    assert (part["undecided"], part["recall"]) == (0, 1.0)
    assert part["tokens"] > 0
    assert asked == []
    run("judge", "data.jsonl", "-m", "own.yaml")
    assert asked == ["why", "why"]

"""`superego batch` with `--report`, and how it tells what it does, as it is typed."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import ModelUnavailable
from pipeline.cli.main import app

MANIFESTO = """\
name: calm
version: "1"
rules:
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!!!"]}}
"""
BATCH = ["batch", "in.txt", "-o", "out.jsonl", "-m", "calm.yaml", "--max-tokens", "4"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", str(tmp_path / "cache.sqlite"))
    (tmp_path / "calm.yaml").write_text(MANIFESTO)
    (tmp_path / "in.txt").write_text("Say hi.\nSay bye.\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_report_tells_what_came_of_it(tmp_path: Path) -> None:
    """What was asked of which model by which manifesto, and tokens that were really spent."""
    result = run(*BATCH, "--report", "report.html")
    assert result.exit_code == 0, result.stderr
    assert "the report is in report.html" in result.stderr
    page = (tmp_path / "report.html").read_text()
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    written = sum(record["usage"]["generator"]["completion_tokens"] for record in records)
    assert "<dt>input</dt><dd>in.txt</dd>" in page
    assert f"<dd>calm, version 1, {records[0]['manifesto']['hash'][:12]}: 2 prompts</dd>" in page
    assert f"<dt>tokens written</dt><dd>{written:,}<small>" in page


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("no/report.html", "no/report.html cannot be written: there is no such folder"),
        ("in.txt", "in.txt cannot be the report"),
        ("./out.jsonl", "out.jsonl cannot be the report"),
        (".", "cannot be the report"),
    ],
)
def test_a_report_in_the_wrong_place_is_refused_before_anything_is_asked(
    tmp_path: Path, report: str, said: str
) -> None:
    """It would cost the input, the output, or the night."""
    result = run(*BATCH, "--report", report)
    assert result.exit_code == 2
    assert said in result.stderr
    assert (tmp_path / "in.txt").read_text() == "Say hi.\nSay bye.\n"
    assert not list(tmp_path.glob("out.jsonl*"))


def test_a_report_without_the_extra_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(*BATCH, "--report", "report.html")
    assert result.exit_code == 1
    assert "the option '--report' needs an extra: pip install 'superego[eval]'" in result.stderr
    assert not list(tmp_path.glob("out.jsonl*"))


def test_in_a_log_it_begins_and_ends_with_plain_text() -> None:
    """What it is at, and a table of what came of it."""
    result = run(*BATCH)
    first, *_ = result.stderr.splitlines()
    assert first.startswith("out.jsonl: 2 prompts, ")
    assert re.search(r"^ *released +2 +100\.0% *$", result.stderr, flags=re.MULTILINE)
    assert "\x1b" not in result.stderr


def test_json_progress_is_all_that_is_on_standard_error() -> None:
    """From the first line to the last, each of them JSON."""
    result = run(*BATCH, "--json-progress", "--report", "report.html")
    assert result.exit_code == 0, result.stderr
    told = [json.loads(line) for line in result.stderr.splitlines()]
    assert [told[0]["event"], told[-1]["event"]] == ["began", "ended"]
    assert told[-1]["records"] == 2
    assert Path("report.html").exists()


def test_with_json_progress_what_is_worth_a_note_is_an_event(tmp_path: Path) -> None:
    """Also what is said before the first prompt."""
    (tmp_path / "calm.yaml").write_text(MANIFESTO.replace("[patterns]", "[patterns, judge]"))
    result = run(*BATCH, "--json-progress", "--adapter", "none", "--max-tokens", "2")
    told = [json.loads(line) for line in result.stderr.splitlines()]
    assert told[0]["event"] == "note"
    assert "no better than chance" in told[0]["text"]
    assert told[-1]["event"] == "ended"


def test_quiet_says_nothing() -> None:
    """Its exit code does."""
    result = run(*BATCH, "--quiet", "--report", "report.html")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("flags", [(), ("--quiet",), ("--json",)])
def test_faulted_records_are_told_in_the_end(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """How many, the first with line and reason, and where the rest lies; nothing in them moves the cursor."""
    rows = ['{"prompt": "Say hi."}', '{"prompt": "a", "manifesto": "\\u001b[2J"}', *('{"prompt"',) * 6]
    (tmp_path / "in.txt").write_text("\n".join(rows))
    result = run(*BATCH, *flags)
    assert result.exit_code == 1
    told = result.stderr[result.stderr.index("7 of 8 records are faulted:") :].splitlines()
    assert told[1].startswith("  line 2:  [2J:1:1: no shipped manifesto is called")
    assert told[2] == "  line 3: not JSON at character 10: Expecting ':' delimiter"
    assert told[-1] == "  and 2 more: each is in out.jsonl, with its reason"
    assert len(told) == 7
    assert "\x1b" not in result.stderr


def test_with_json_progress_faults_are_in_the_last_event(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text('{"id": 1}\n')
    result = run(*BATCH, "--json-progress")
    assert json.loads(result.stderr.splitlines()[-1])["faults"] == [
        "line 1: neither `prompt` nor `messages`: it has `id`"
    ]


def test_a_terminal_shows_a_bar_and_then_the_table(tmp_path: Path, root: Path) -> None:
    """On a real one."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(root), "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", *BATCH], stderr=theirs, stdout=subprocess.DEVNULL, env=env
    ) as process:
        os.close(theirs)
        shown = _all(ours)
        assert process.wait(timeout=120) == 0, shown
    assert "━" in shown
    assert "2 of 2 done" in shown or "writing the output" in shown
    assert shown.rindex("out.jsonl: 2 released") > shown.rindex("━")


@pytest.mark.parametrize("why", [KeyboardInterrupt(), ModelUnavailable("it is gone")])
def test_stopped_at_once_a_run_that_began_anew_goes_on_without_doing_so_again(
    monkeypatch: pytest.MonkeyPatch, why: BaseException
) -> None:
    """By its user, or because its model is gone: whoever followed it with `--restart` would throw away what is done."""

    def interrupted(*_: object, **__: object) -> None:
        raise why

    monkeypatch.setattr("pipeline.cli.batch.batch.run_batch", interrupted)
    told = {flags: run(*BATCH, *flags).stderr for flags in [(), ("--restart",)]}
    assert "run the same command to go on" in told[()]
    assert "run the same command without --restart to go on" in told["--restart",]


def _all(terminal: int) -> str:
    read = b""
    try:
        while part := os.read(terminal, 4096):
            read += part
    except OSError:
        pass  # its other end is gone
    os.close(terminal)
    return read.decode()

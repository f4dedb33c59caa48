"""Readers of standard output and standard error that go away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline.cli.terminal.reporting import FAULT, reported

CALM = """\
name: calm
version: "1"
rules: [{id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!!!"]}}]
"""
SUPEREGO = [sys.executable, "-m", "pipeline.cli"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", str(tmp_path / "cache.sqlite"))
    (tmp_path / "calm.yaml").write_text(CALM)
    (tmp_path / "in.txt").write_text("Say hi.\nSay bye.\n")


@pytest.mark.parametrize("progress", [["--json-progress"], []], ids=["json", "log"])
def test_a_batch_whose_progress_nobody_reads_is_finished(tmp_path: Path, progress: list[str]) -> None:
    """A supervisor that died must not cost the night."""
    command = [*SUPEREGO, "batch", "in.txt", "-o", "out.jsonl", "-m", "calm.yaml", "--max-tokens", "4", "--json"]
    with subprocess.Popen([*command, *progress], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stderr.close()
        said = process.stdout.read()
        assert process.wait(timeout=120) == 0
    assert b'"released": 2' in said
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["table", "json"])
def test_a_list_that_nobody_reads_is_no_error(more: list[str]) -> None:
    """`superego manifestos | true`."""
    command = [*SUPEREGO, "manifestos", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=60) == 0
    assert b"Broken" not in said


@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["--version", "manifestos --json", "judge rows.jsonl -m house-style"])
def test_a_full_disk_is_one_line_and_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, buffered: str
) -> None:
    """`superego manifestos --json > list.json`, or of one that prints line by line."""
    (tmp_path / "rows.jsonl").write_text('{"text": "a"\n')
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*SUPEREGO, *command.split()], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1), done.stderr
    assert b"cannot be written: No space left" in done.stderr


def test_a_letter_that_the_terminal_lacks_is_spelt_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of what was to be said is not lost."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "odd.yaml").write_text("näme: x\n", "utf-8")
    done = subprocess.run([*SUPEREGO, "check", "odd.yaml"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, b"")
    assert b"unknown key `n\\xe4me`" in done.stdout


def test_a_pipe_that_breaks_elsewhere_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has said that nothing more is wanted."""

    @reported
    def broken() -> int:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(typer.Exit) as ended:
        broken()
    assert ended.value.exit_code == FAULT
    assert "Broken pipe" in capsys.readouterr().err

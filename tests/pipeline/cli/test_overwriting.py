"""Outputs that would be written over what the command reads are refused before anything is computed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.cli.test_cli import run

BASE = """\
name: base
version: "1"
rules: [{id: kind, statement: It is kind., critics: [patterns], patterns: {forbid: ["!"]}}]
"""
OWN = 'name: own\nversion: "1"\nextends: base.yaml\n'
ROWS = [{"text": "hi", "response": "So!", "label": 1, "labels": {"kind": number % 2}} for number in range(4)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "superego.yaml").write_text("threads: 1\n")
    (tmp_path / "judged.yaml").write_text("judge: {model: big.gguf}\n")
    (tmp_path / "big.gguf").write_bytes(b"weights")
    (tmp_path / "prompts.gguf").write_text("One?\nTwo?\nThree?\nFour?\n")
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    (tmp_path / "other.jsonl").write_text("")
    (tmp_path / "out.jsonl.writing").write_text("One?\n")


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("identity build state -m own.yaml -o own.yaml", "own.yaml"),
        ("identity build state -m own.yaml -o ./base.yaml", "base.yaml"),
        ("identity build state -m own.yaml -o superego.yaml", "superego.yaml"),
        ("identity build lora -m own.yaml --config judged.yaml -o big.gguf", "big.gguf"),
        ("identity build steer -m own.yaml --generator big.gguf -o big.gguf", "big.gguf"),
        ("identity build lora -m own.yaml --prompts-from prompts.gguf -o prompts.gguf", "prompts.gguf"),
        ("critic train rows.jsonl -m own.yaml --model big.gguf -o big.gguf", "big.gguf"),
        ("critic train rows.jsonl -m own.yaml --start-from big.gguf -o big.gguf", "big.gguf"),
        ("critic train prompts.gguf -m own.yaml -o prompts.gguf", "prompts.gguf"),
        ("eval rows.jsonl -m own.yaml --report rows.jsonl", "rows.jsonl"),
        ("eval rows.jsonl -m own.yaml --report base.yaml", "base.yaml"),
        ("eval rows.jsonl -m own.yaml --compare other.jsonl --report other.jsonl", "other.jsonl"),
        ("eval rows.jsonl -m own.yaml --save new.jsonl --report new.jsonl", "new.jsonl"),
        ("batch rows.jsonl -m own.yaml -o out.jsonl --report base.yaml", "base.yaml"),
        ("batch rows.jsonl -m own.yaml -o own.yaml --restart --output-format jsonl", "own.yaml"),
        ("batch rows.jsonl -m own.yaml -o base.yaml --restart --output-format jsonl", "base.yaml"),
        ("batch rows.jsonl -m own.yaml -o superego.yaml --restart --output-format jsonl", "superego.yaml"),
        ("batch rows.jsonl -m own.yaml -o ./rows.jsonl --restart", "rows.jsonl"),
        ("batch out.jsonl.writing -m own.yaml -o out.jsonl", "out.jsonl.writing"),
        ("calibrate rows.jsonl -m own.yaml -o rows.jsonl --force", "rows.jsonl"),
        ("calibrate rows.jsonl other.jsonl -m own.yaml -o other.jsonl --force", "other.jsonl"),
        ("calibrate --from other.jsonl -m own.yaml -o other.jsonl --force", "other.jsonl"),
        ("calibrate rows.jsonl -m own.yaml -o superego.yaml --force", "superego.yaml"),
    ],
)
def test_an_output_over_an_input_is_refused(tmp_path: Path, command: str, file: str) -> None:
    """By its name, and all files are as they were."""
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run(*command.split())
    assert result.exit_code == 2, result.stderr
    assert f"{file} is read or written here as well: write to another file" in " ".join(result.stderr.split())
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_model_reached_by_a_link_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "link.gguf").symlink_to("big.gguf")
    result = run("critic", "train", "rows.jsonl", "-m", "own.yaml", "--model", "big.gguf", "-o", "link.gguf")
    assert result.exit_code == 2
    assert "write to another file" in result.stderr


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_data_reached_by_a_link_are_not_written_over(tmp_path: Path, link: Callable[[str, str], None]) -> None:
    """Nor where the two names are of one file, and neither is the other's."""
    link("rows.jsonl", "link.jsonl")
    before = (tmp_path / "rows.jsonl").read_bytes()
    result = run("calibrate", "link.jsonl", "-m", "own.yaml", "-o", "rows.jsonl", "--force")
    assert result.exit_code == 2
    assert "write to another file" in result.stderr
    assert (tmp_path / "rows.jsonl").read_bytes() == before


def test_a_folder_of_shards_that_are_read_is_not_replaced(tmp_path: Path) -> None:
    """It would be gone with what is in it."""
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "part-00000.jsonl").write_text('{"prompt": "One?"}\n')
    result = run("batch", "shards/part-00000.jsonl", "-m", "own.yaml", "-o", "shards", "--shard", "2", "--restart")
    assert result.exit_code == 2
    assert "shards holds part-00000.jsonl" in " ".join(result.stderr.split())
    assert [file.name for file in (tmp_path / "shards").iterdir()] == ["part-00000.jsonl"]


def test_a_partial_file_of_a_stopped_eval_is_kept_and_told_before_any_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a night's work."""
    monkeypatch.setattr("pipeline.cli.evaluation.evaluate.assemble", lambda *_, **__: pytest.fail("loaded"))
    (tmp_path / "s.jsonl.partial").write_text("paid for")
    result = run("eval", "rows.jsonl", "-m", "own.yaml", "--save", "s.jsonl")
    assert result.exit_code == 2
    assert "s.jsonl.partial" in result.stderr
    assert "move it away, or use it with --compare" in " ".join(result.stderr.split())
    assert (tmp_path / "s.jsonl.partial").read_text() == "paid for"

"""`superego identity build lora` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli.identity_lessons import HELD
from tests.pipeline.cli.test_cli import run

MANIFESTO = """
name: mill
version: "1"
beliefs: Answers are of flour.
rules:
  - {id: a, statement: It is short., critics: [patterns], action: revise, patterns: {words: {at_most: 3}}}
budget: {attempts: 1}
"""
SETTINGS = """
threads: 1
generator: {context: 512, max_tokens: 8}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mill.yaml").write_text(MANIFESTO)
    (tmp_path / "superego.yaml").write_text(SETTINGS)
    (tmp_path / "prompts.txt").write_text("What is bread?\nWhat is rye?\nWhat is a mill?\nHow do I bake a roll?\n")
    return tmp_path


def build(folder: Path, *more: str) -> tuple[int, str, str]:
    flags = ("-m", str(folder / "mill.yaml"), "--config", str(folder / "superego.yaml"), "-o", str(folder / "a.gguf"))
    result = run("identity", "build", "lora", *flags, "--prompts-from", str(folder / "prompts.txt"), *more)
    return result.exit_code, result.stdout, result.stderr


def test_from_prompts_to_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before it is trained, it goes on; what it had meanwhile is gone in the end, and the curve is told."""

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    few = ("--prompts", "4", "--epochs", "1", "--rank", "2", "--json")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.identity_adapter.train_identity", stopped)
        assert build(folder, *few)[0] == 130
    work = folder / "a.gguf.work"
    answered = {file: file.stat().st_mtime_ns for file in work.glob("*/*.npz")}
    assert len(answered) == 2
    with monkeypatch.context() as patch:  # nothing is asked again
        patch.setattr("pipeline.identity.lessons.gather.asked", stopped)
        code, out, err = build(folder, *few, "--peft", str(folder / "peft"))
    told = json.loads(out)
    assert code == (1 if told["faults"] else 0)
    assert told["prompts"] == 4
    assert told["steps"] == 1
    assert "step 1 of 1: loss" in err
    assert (folder / "a.gguf").is_file()
    assert (folder / "peft" / "adapter_model.safetensors").is_file()
    assert not work.exists()


def test_a_run_of_other_words_begins_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so it does when it is told to."""
    asked: list[int] = []

    def noted(_: object, prompts: list[str], *__: object, **___: object) -> list[str]:
        asked.append(len(prompts))
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.identity.lessons.prompts.invented", noted)
    monkeypatch.setattr("pipeline.identity.lessons.invented", noted)
    for more, anew in ((), True), ((), False), (("--restart",), True), (("--seed", "2"), True):
        left = folder / "a.gguf.work" / "left"
        assert build(folder, *more)[0] == 130
        assert left.exists() is not anew
        left.write_text("")


def test_what_is_in_the_way_is_left_alone(folder: Path) -> None:
    """A folder of the user's own is not written over."""
    (folder / "a.gguf.work").mkdir()
    (folder / "a.gguf.work" / "diary").write_text("mine")
    code, _, err = build(folder, "--restart")
    assert code == 2
    assert "is in the way" in err
    assert (folder / "a.gguf.work" / "diary").read_text() == "mine"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("build", "lora", "-o", "a.bin"), ".gguf file in a folder that exists"),
        (("build", "lora", "-o", "a.gguf", "--prompts-from", "none.txt"), "none.txt cannot be read"),
        (("build", "lora", "-o", "a.gguf", "--layers", "1-2"), "--layers and --anywhere are for a steer"),
        (("build", "state", "-o", "a.state", "--anywhere"), "--layers and --anywhere are for a steer"),
        (("build", "lora", "-o", "a.gguf", "--add", "x"), "--add is one more rule"),
        (("build", "steer", "-o", "a.gguf", "--add", "x", "--rank", "2"), "leave out --rank and --anywhere"),
        (("build", "steer", "-o", "a.gguf", "--add", "x", "--anywhere"), "leave out --rank and --anywhere"),
        (("build", "steer", "-o", "a.gguf", "--peft", "p"), "--prompts-from and --peft are for a lora"),
        (("build", "lora", "-o", "a.gguf", "--generator", "openai:x"), "GGUF file"),
        (("compare", "--lora", "a.gguf", "--train-lora"), "give one of them"),
        (("compare", "--prompts-from", "none.txt"), "none.txt cannot be read"),
    ],
)
def test_bad_input_is_named(flags: tuple[str, ...], why: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed."""
    monkeypatch.chdir(folder)
    result = run("identity", *flags, "-m", str(folder / "mill.yaml"))
    assert result.exit_code == 2
    assert why in result.stderr


def test_too_few_prompts_are_refused(folder: Path) -> None:
    """None could be held out."""
    (folder / "prompts.txt").write_text("What is bread?\n")
    code, _, err = build(folder)
    assert code == 2
    assert "1 prompts are too few" in err
    assert HELD > 4

"""`superego batch --engine ray`: what is refused before anything is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--ray-resource", "disk"), 2, "--ray-resource is NAME=AMOUNT, as in fast-disk=1, and not 'disk'"),
        (("--ray-resource", "disk=none"), 2, "and not 'disk=none'"),
        (("--ray-resource", "disk=0"), 2, "and not 'disk=0'"),
        (("--ray-resource", "disk=inf"), 2, "and not 'disk=inf'"),
        (("--ray-resource", "CPU=2"), 2, "and not 'CPU=2'"),
        (("--ray-address", "ray://head:10001"), 2, "--ray-address is HOST:PORT"),
        (("--ray-address", "127.0.0.1:1"), 1, "there is no Ray cluster at 127.0.0.1:1"),
        (("--ray-workers", "2", "--engine", "local"), 2, "are for --engine ray"),
        ((), 1, "the engine 'ray' needs an extra: pip install 'superego[ray]'"),
    ],
)
def test_flags_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], code: int, said: str
) -> None:
    """It is said which, with the exit code of who is to mend it; nothing is written."""
    monkeypatch.chdir(tmp_path)
    if not flags:
        monkeypatch.setitem(sys.modules, "ray", None)
    Path("in.txt").write_text("Say hi.\n")
    command = ["batch", "in.txt", "-o", "out.jsonl", "-m", "house-style", "--engine", "ray", *flags]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["in.txt"]

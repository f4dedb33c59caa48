"""How far a command has come."""

from __future__ import annotations

import pytest

from pipeline.cli.terminal.bar import bar


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    with bar("looking") as (stepped, tell):
        stepped("learning", 3, 8)
        tell("[half] a loss")
    return capsys.readouterr().err


def test_a_terminal_has_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said stands above it, as it is."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    _, said, drawn = shown(capsys).partition("[half] a loss")
    assert said
    assert "learning" in drawn
    assert "3/8" in drawn


def test_a_log_has_what_is_said_and_no_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    assert shown(capsys) == "[half] a loss\n"

"""`--base-url`: which models it is the server of."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.options import settings_from
from tests.pipeline.cli.test_cli import run

URL = "http://127.0.0.1:9/v1"
MANIFESTO = 'name: own\nversion: "1"\nrules: [{id: kind, statement: It is kind., critics: [judge]}]\n'
ROWS = [{"text": "hi", "response": "Fine.", "label": number % 2} for number in range(24)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(MANIFESTO)
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))


@pytest.mark.parametrize(
    "command",
    [
        ("judge", "rows.jsonl", "-m", "own.yaml"),
        ("eval", "rows.jsonl", "-m", "own.yaml"),
        ("calibrate", "rows.jsonl", "-m", "own.yaml", "-o", "new.yaml"),
        ("ask", "hi", "-m", "own.yaml"),
        ("batch", "rows.jsonl", "-o", "out.jsonl", "-m", "own.yaml"),
        ("tune", "own.yaml", "--once"),
        ("serve", "-m", "own.yaml"),
        ("serve", "-m", "own.yaml", "--upstream", "http://127.0.0.1:8/v1", "--upstream-model", "drafts"),
    ],
    ids=lambda command: " ".join(command[:1] + command[3:4]),
)
def test_every_command_asks_the_named_server_and_no_vendor(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conversations that stay in the house must not go to OpenAI because a flag was lost."""
    asked: dict[str, str | None] = {}

    def noted(name: str, *, base_url: str | None, **_: Any) -> object:
        asked[name] = base_url
        if name == "openai:judges":
            raise KeyboardInterrupt
        return SimpleNamespace()

    monkeypatch.setattr("pipeline.assembly.load_chat_model", noted)
    assert run(*command, "--judge", "openai:judges", "--base-url", URL).exit_code == 130
    assert asked.pop("openai:judges") == URL
    assert asked in ({}, {"openai:drafts": "http://127.0.0.1:8/v1"})


@pytest.mark.parametrize(
    ("typed", "told", "of_generator", "of_judge"),
    [
        ({"generator": "openai:a"}, "", URL, None),
        ({"generator": "openai:a", "judge": "openai:b"}, "", URL, URL),
        ({"generator": "openai:a", "judge": "anthropic:b"}, "", URL, None),
        ({"generator": "openai:a", "judge": "embedded"}, "", URL, None),
        ({"generator": "openai:a"}, "judge: {model: 'openai:b'}", URL, None),
        ({"judge": "openai:b"}, "generator: {model: 'openai:a', base_url: 'http://a/v1'}", "http://a/v1", URL),
        ({"judge": "openai:b"}, "judge: {base_url: 'http://b/v1'}", None, URL),
        ({"judge": "ollama:b"}, "", None, URL),
        ({"generator": "a.gguf"}, "judge: {model: 'openai:b'}", None, URL),
        ({}, "judge: {model: 'openai:b', base_url: 'http://b/v1'}", None, URL),
        ({}, "generator: {model: 'openai:a'}", URL, None),
    ],
)
def test_it_is_the_server_of_the_names_that_are_typed_else_of_those_that_are_set(
    tmp_path: Path, typed: dict[str, str], told: str, of_generator: str | None, of_judge: str | None
) -> None:
    """A model in this process has none; a judge without a name of its own has the generator's."""
    (tmp_path / "superego.yaml").write_text(told)
    settings = settings_from(base_url=URL, **typed)  # type: ignore[arg-type]  # names of models alone
    assert (settings.generator.base_url, settings.judge.base_url) == (of_generator, of_judge)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", "hi"), "name one with --generator openai:NAME or --judge openai:NAME"),
        (("ask", "hi", "--generator", "a.gguf"), "--base-url: no model is in use that is behind a server"),
        (("judge", "rows.jsonl"), "--judge openai:NAME"),
        (("serve", "--upstream", URL, "--upstream-model", "drafts"), "name one with --judge openai:NAME"),
    ],
)
def test_an_address_that_is_no_models_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """Whoever types it believes that a server is asked."""
    result = run(*arguments, "-m", "own.yaml", "--base-url", URL)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("worn", [(), ("--identity", "preprompt"), ("--identity", "none")])
@pytest.mark.parametrize("command", [("ask", "hi"), ("serve",)])
def test_a_scale_of_no_adapter_is_refused(command: tuple[str, ...], worn: tuple[str, ...]) -> None:
    """It would change nothing."""
    result = run(*command, "-m", "own.yaml", *worn, "--identity-scale", "2")
    assert result.exit_code == 2
    assert "name one with --identity FILE" in result.stderr

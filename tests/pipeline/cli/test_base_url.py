"""`--base-url`: which models it is the server of."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.flags.options import settings_from
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

    monkeypatch.setattr("pipeline.assembly.assembly.load_chat_model", noted)
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


KEYED = "{role}: {{model: 'openai:a', api_key: sk-of-a-vendor{at}}}"


@pytest.mark.parametrize("role", ["generator", "judge"])
@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("", False),
        (", base_url: 'http://127.0.0.1:8/v1'", False),
        (", base_url: 'https://127.0.0.1:9/v1'", False),
        (", base_url: 'http://127.0.0.1:9/v2'", True),
    ],
)
def test_a_key_goes_to_no_server_but_the_one_that_it_was_set_for(
    tmp_path: Path, role: str, at: str, sent: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody's server that is typed is not told the vendor's key; whoever typed it is told why, and what to do."""
    (tmp_path / "superego.yaml").write_text(KEYED.format(role=role, at=at))
    key = getattr(settings_from(base_url=URL), role).api_key
    assert (key.get_secret_value() if key else None) == ("sk-of-a-vendor" if sent else None)
    told = capsys.readouterr().err
    assert (f"`{role}.api_key` is set for" in told) is not sent
    assert (f"set `{role}.base_url` in the place of --base-url" in told) is not sent


@pytest.mark.parametrize("role", ["generator", "judge"])
@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("anthropic:other", False),
        ("claude-x", False),
        ("openai:other", True),
        ("embedded", True),
        (None, True),
    ],
)
def test_a_key_goes_to_no_vendor_but_the_one_that_it_was_set_for(
    tmp_path: Path, role: str, typed: str | None, sent: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model of another's that is typed finds its key where its vendor says."""
    (tmp_path / "superego.yaml").write_text(KEYED.format(role=role, at=""))
    names: dict[str, Any] = {role: typed}
    assert (getattr(settings_from(**names), role).api_key is not None) is sent
    assert (f"`{role}.api_key` is set for openai, and is not sent to" in capsys.readouterr().err) is not sent


def test_a_judges_server_waits_for_the_judge_that_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an upstream drafts as well, whose key is looked up among the settings first."""
    asked: dict[str, str | None] = {}

    def noted(name: str, *, base_url: str | None, **_: Any) -> object:
        asked[name] = base_url
        if name == "openai:judges":
            raise KeyboardInterrupt
        return SimpleNamespace()

    monkeypatch.setattr("pipeline.assembly.assembly.load_chat_model", noted)
    (tmp_path / "superego.yaml").write_text("judge: {base_url: 'http://b/v1'}\n")
    upstream = ("--upstream", URL, "--upstream-model", "drafts")
    assert run("serve", "-m", "own.yaml", *upstream, "--judge", "openai:judges").exit_code == 130
    assert asked == {"openai:drafts": URL, "openai:judges": "http://b/v1"}


def test_a_generators_key_is_held_back_whatever_the_judge_lacks_without_its_flag(tmp_path: Path) -> None:
    """The settings alone cannot be used here."""
    (tmp_path / "superego.yaml").write_text(
        KEYED.format(role="generator", at="") + "\njudge: {base_url: 'http://b/v1'}"
    )
    settings = settings_from(generator="anthropic:other", judge="openai:b")
    assert (settings.generator.api_key, settings.judge.base_url) == (None, "http://b/v1")


def test_what_is_typed_may_stand_in_the_place_of_what_cannot_be_used(tmp_path: Path) -> None:
    """Nobody knows whose model that was, and nothing is asked of it."""
    (tmp_path / "superego.yaml").write_text("generator: {model: [1], api_key: sk-of-a-vendor}\n")
    assert settings_from(generator="openai:other").generator.model == "openai:other"


def test_a_key_is_not_sent_to_what_is_no_address(tmp_path: Path) -> None:
    """Whoever asks there says that it is none."""
    (tmp_path / "superego.yaml").write_text(KEYED.format(role="generator", at=f", base_url: '{URL}'"))
    assert settings_from(base_url="http://[::1/v1").generator.api_key is None


def test_a_key_without_a_model_is_for_the_one_that_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPEREGO_GENERATOR__API_KEY", "sk-own")
    assert settings_from(generator="anthropic:a").generator.api_key is not None


def test_a_key_of_a_variable_goes_where_a_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set for an address that is set, it is sent there; set alone, it is the vendor's."""
    monkeypatch.setenv("SUPEREGO_GENERATOR__API_KEY", "sk-own")
    assert settings_from(base_url=URL, generator="openai:a").generator.api_key is None
    monkeypatch.setenv("SUPEREGO_GENERATOR__BASE_URL", URL)
    assert settings_from(generator="openai:a").generator.api_key is not None
    assert settings_from(base_url=URL, generator="openai:a").generator.api_key is not None


@pytest.mark.parametrize(
    ("at", "flags", "key"),
    [
        ("", (), None),
        (f", base_url: '{URL}'", (), "sk-of-a-vendor"),
        (f", base_url: '{URL}'", ("--upstream-key-env", "THEIRS"), "sk-theirs"),
        ("", ("--upstream-key-env", "THEIRS"), "sk-theirs"),
    ],
)
def test_an_upstream_is_sent_its_own_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, flags: tuple[str, ...], key: str | None
) -> None:
    """The one that is named, or was set for it, and no other."""
    sent: list[str | None] = []

    def noted(name: str, *, api_key: str | None, **_: Any) -> object:
        sent.append(api_key)
        raise KeyboardInterrupt

    monkeypatch.setenv("THEIRS", "sk-theirs")
    monkeypatch.setattr("pipeline.assembly.assembly.load_chat_model", noted)
    (tmp_path / "superego.yaml").write_text(KEYED.format(role="generator", at=at))
    result = run("serve", "-m", "own.yaml", "--upstream", URL, "--upstream-model", "drafts", *flags)
    assert (result.exit_code, sent) == (130, [key])
    assert ("--upstream-key-env" in result.stderr) is (key is None)


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

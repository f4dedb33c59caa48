"""From a name to a model, and what is said where that does not work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from critics import Message
from pipeline.errors import ModelMissing, ModelUnusable, SettingsError
from pipeline.langchain_door import ChatJudgeModel, load_chat_model
from pipeline.langchain_door.dialects import dialect_of

ROOT = Path(__file__).parents[3]


def load(name: str, **options: Any) -> Any:
    usual = {"base_url": None, "api_key": None, "temperature": 0.5, "top_p": None, "timeout": 5.0, "context": 512}
    return load_chat_model(name, **{**usual, **options})


def test_the_door_opens_without_langchain() -> None:
    """Importing the door imports nothing of LangChain, so the command line starts quickly."""
    code = "import sys, pipeline.langchain_door; print([name for name in sys.modules if name.startswith('langchain')])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stdout.strip() == "[]"


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """A wrong path is told by its name."""
    with pytest.raises(ModelMissing, match=r"no\.gguf"):
        load(f"chat-llama-cpp:{tmp_path / 'no.gguf'}")


@pytest.mark.filterwarnings(
    "ignore:`langchain-community` is being sunset:DeprecationWarning"
)  # see the in-process tests
def test_a_file_that_is_no_model_is_unusable(tmp_path: Path) -> None:
    """A file of something else is told apart from one that is not there."""
    file = tmp_path / "notes.gguf"
    file.write_text("no weights")
    with pytest.raises(ModelUnusable, match=r"notes\.gguf"):
        load(f"chat-llama-cpp:{file}")


@pytest.mark.parametrize("name", ["", "openai:", "nobody:some-model", "some-model"])
def test_a_name_that_means_nothing_says_how_names_look(name: str) -> None:
    """An unknown provider, or none, is answered with the form of a name."""
    with pytest.raises(ModelMissing, match="PROVIDER:MODEL"):
        load(name)


def test_a_package_that_is_not_installed_is_named() -> None:
    """A provider whose integration is missing is answered with the command that installs it."""
    with pytest.raises(ModelMissing, match=r"pip install langchain-anthropic"):
        load("anthropic:claude-haiku-4-5", api_key="x")


def test_our_own_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's integration has an extra of ours."""
    monkeypatch.setitem(sys.modules, "langchain_openai", None)  # as if it were not installed
    with pytest.raises(ModelMissing, match=r"pip install 'superego\[openai\]'"):
        load("azure_openai:small")  # a provider that no other test has loaded, so that it is imported now


def test_a_missing_key_is_told_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key and without a server of one's own, the settings are at fault, and the text says which."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="api_key"):
        load("openai:gpt-4o-mini")


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "localhost", "ftp://x/v1", "http://", "http://host:99999/v1"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    """A base_url without its scheme, or with a port that there is not, is caught at once, and not at the first call."""
    with pytest.raises(SettingsError, match="base_url"):
        load("openai:small", base_url=address)


def test_the_vendors_key_stays_with_the_vendor(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the environment is not sent to a server of one's own that was given none."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-vendor")
    url, asked = serve([(401, {}, {})])
    model = ChatJudgeModel(load("openai:small", base_url=url), name="m")
    with pytest.raises(Exception, match="api_key"):
        model.write([Message("user", "hi")], max_tokens=1)
    assert "sk-of-the-vendor" not in str(asked[0]["headers"])


def test_openai_itself_gets_the_new_name_of_the_bound() -> None:
    """The vendor refuses both names at once and needs the new one; compatible servers need the old one."""
    vendor, other = (
        dict(dialect_of(load("openai:gpt-4o-mini", api_key="x", **address)).drafting(seed=-1, max_tokens=5))
        for address in ({}, {"base_url": "http://127.0.0.1:9/v1"})
    )
    assert vendor == {"seed": 0x7FFFFFFF, "stream_usage": True, "max_tokens": 5}
    assert other == {"seed": 0x7FFFFFFF, "stream_usage": True, "extra_body": {"max_tokens": 5}}

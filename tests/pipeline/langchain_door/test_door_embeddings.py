"""Embeddings of a server, by way of LangChain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from critics import Exchange, Panel, Rule, SemanticCritic
from critics.manifesto.schema import Example
from critics.semantic.embedder import embedded
from pipeline.errors import ModelMissing, ModelRefused, ModelUnavailable, ModelUnusable, SettingsError
from pipeline.langchain_door import load_embedder

KEY = "opaque-Key-0451"

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]


def reply(*rows: list[float]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def load(url: str, **options: Any) -> Any:
    return load_embedder("openai:small", **{"base_url": url, "api_key": KEY, "timeout": 5.0, **options})


def test_texts_come_back_as_vectors(serve: Serve) -> None:
    """The server is sent the texts themselves, in one request."""
    url, asked = serve([(200, {}, reply([3.0, 4.0], [0.0, 2.0]))])
    assert embedded(load(url), ["one", "two"]).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 1.0]]
    assert [request["input"] for request in asked] == [["one", "two"]]
    assert f"Bearer {KEY}" in asked[0]["headers"].values()


def test_no_message_holds_a_password_in_the_address() -> None:
    """A verdict record holds why a critic could not judge."""
    with pytest.raises(ModelUnavailable, match=r"openai:small at http://127\.0\.0\.1:9/v1 cannot") as caught:
        load("http://bob:hunter2@127.0.0.1:9/v1", tries=1)(["one"])
    assert "hunter2" not in str(caught.value)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(serve: Serve) -> None:
    """The vendor's own retries are off, and the key is in no message."""
    url, asked = serve([(503, {}, {}), (200, {}, reply([1.0]))])
    assert load(url)(["one"]).shape == (1, 1)
    assert len(asked) == 2
    url, asked = serve([(503, {}, {})])
    with pytest.raises(ModelUnavailable, match=r"tried 2 times"):
        load(url, tries=2)(["one"])
    url, asked = serve([(401, {}, {"error": {"message": f"wrong key {KEY}"}})])
    with pytest.raises(ModelRefused, match="api_key") as caught:
        load(url)(["one"])
    assert len(asked) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("rows", [[], [[1.0]], [[1.0], [1.0, 2.0]], [[0.0], [0.0]]])
def test_a_reply_that_is_no_vector_for_each_text_passes_nothing(serve: Serve, rows: list[list[float]]) -> None:
    """Too few, of different lengths, or without a direction."""
    url, asked = serve([(200, {}, reply(*rows))])
    examples = (Example(text="x", breaks=True), Example(text="y", breaks=False))
    rule = Rule(id="a", statement="A.", critics=("semantic",), examples=examples)
    text = "one " * 400
    (finding,) = Panel({"semantic": SemanticCritic(load(url, tries=1))})(Exchange((), text), [rule])
    assert finding.probability is None
    assert len(asked[0]["input"]) == 2


@pytest.mark.parametrize("name", ["small", "openai:", ":small", "nobody:small"])
def test_a_name_that_means_nothing_is_told(name: str) -> None:
    """With what was written."""
    with pytest.raises((ModelMissing, ModelUnusable), match=name):
        load_embedder(name, base_url=None, api_key=None, timeout=1.0)


def test_a_missing_key_is_told_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are at fault."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="api_key"):
        load_embedder("openai:small", base_url=None, api_key=None, timeout=1.0)

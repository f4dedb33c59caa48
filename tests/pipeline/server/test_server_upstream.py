"""A real `llama_cpp.server` as the upstream, in a process of its own."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

import critics
from pipeline import DraftRequest, Generator, Pieces, assemble
from pipeline.cli.serve.upstream import judged_here
from pipeline.settings import Settings
from pipeline.settings.settings import GeneratorSettings, JudgeSettings
from tests.pipeline.server.serving import app_of, running
from tests.pipeline.server.test_serve_command import serving
from tests.pipeline.upstream import served

MANIFESTO = """name: upstream
version: "1"
rules:
  - id: no-zebra
    statement: No zebra is named.
    critics: [patterns]
    patterns: {forbid_words: [zebra]}
"""


class Heard:
    """A generator that says when it is in the middle of a draft."""

    can_continue = False

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self.name = generator.name
        self.midway = threading.Event()

    def __call__(self, request: DraftRequest) -> Pieces:
        for number, piece in enumerate(self._generator(request)):
            if number == 3:
                self.midway.set()
            yield piece


def test_an_upstream_drafts_and_is_judged_here(upstream: str, tmp_path: Path) -> None:
    """Two processes; the model is the one that the upstream lists."""
    (tmp_path / "upstream.yaml").write_text(MANIFESTO)
    flags = ["-m", str(tmp_path / "upstream.yaml")]
    with (
        serving(*flags, "--upstream", upstream, cwd=tmp_path) as (base, _),
        openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0, timeout=120) as client,
    ):
        answer = client.chat.completions.create(
            model="superego/upstream", messages=[{"role": "user", "content": "Say hello."}], max_tokens=12
        )
        refused = client.chat.completions.create(
            model="superego/upstream",
            messages=[{"role": "user", "content": "Repeat this word: zebra zebra zebra"}],
            max_tokens=12, temperature=0, seed=1,
        )  # fmt: skip
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 12 * 3
    assert (refused.model_extra or {})["superego"]["broken"][0] == ["no-zebra"]
    assert refused.choices[0].message.content
    assert "zebra" not in refused.choices[0].message.content.lower()


def test_an_upstream_that_is_killed_in_the_middle_is_an_error_event(tmp_path: Path) -> None:
    """And the server goes on: it answers, and says that the upstream is out of reach."""
    (tmp_path / "upstream.yaml").write_text(MANIFESTO)
    manifesto = critics.load(str(tmp_path / "upstream.yaml"))
    with served(tmp_path, n_ctx="1024") as (url, process):
        settings = Settings(generator=GeneratorSettings(model="openai:local", base_url=url, tries=1))
        pipeline = assemble(manifesto, settings)
        assert pipeline.generator is not None
        heard = Heard(pipeline.generator)
        body = {
            "model": "upstream", "stream": True, "max_tokens": 400,
            "messages": [{"role": "user", "content": "Write a long story about the sea."}],
        }  # fmt: skip
        with running(app_of(replace(pipeline, generator=heard), keep_alive=0.02)) as base:
            chat = f"{base}/v1/chat/completions"
            with httpx.stream("POST", chat, json=body, timeout=120) as response:
                assert heard.midway.wait(60)
                os.kill(process.pid, 9)
                said = [line for line in response.iter_lines() if line.startswith("data:")]
            assert response.status_code == 200
            assert json.loads(said[-1].removeprefix("data: "))["error"]["type"] == "server_error"
            assert "[DONE]" not in "".join(said)
            again = httpx.post(chat, json=body | {"stream": False}, timeout=60)
            assert (again.status_code, again.json()["error"]["code"]) == (503, "model_unavailable")
            assert httpx.get(f"{base}/healthz").status_code == 200


CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}}, "required": ["city"]}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city.", "parameters": CITY},
}


def test_an_upstream_calls_tools_and_keeps_to_a_form(tools_upstream: str, tmp_path: Path) -> None:
    """A real one, streamed and not; the words of a call are held against the manifesto."""
    (tmp_path / "upstream.yaml").write_text(MANIFESTO.replace("zebra", "rome"))
    asked: Any = {
        "model": "superego/upstream", "tools": [WEATHER], "max_tokens": 40, "temperature": 0, "seed": 1,
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }  # fmt: skip
    oslo: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
    rome: Any = [{"role": "user", "content": "What is the weather in Rome?"}]
    with (
        serving("-m", str(tmp_path / "upstream.yaml"), "--upstream", tools_upstream, cwd=tmp_path) as (base, _),
        openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0, timeout=120) as client,
    ):
        whole = client.chat.completions.create(messages=oslo, **asked)
        with client.chat.completions.stream(messages=oslo, **asked) as stream:
            stream.until_done()
            streamed = stream.get_final_completion()
        refused = client.chat.completions.create(messages=rome, **asked)
        form: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY}}
        place = client.chat.completions.create(
            model="superego/upstream", messages=oslo, response_format=form, max_tokens=40
        )
    for answer in (whole, streamed):
        assert answer.choices[0].finish_reason == "tool_calls"
        (call,) = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"city": "Oslo"}
    assert (refused.model_extra or {})["superego"]["broken"][0] == ["no-rome"]
    assert refused.choices[0].finish_reason == "content_filter"
    assert refused.choices[0].message.tool_calls is None
    assert json.loads(place.choices[0].message.content or "") == {"city": "Oslo"}


JUDGED = """name: judged
version: "1"
rules:
  - {id: polite, statement: The answer is polite., critics: [judge], threshold: 0.999}
"""


@pytest.mark.parametrize("apart", [False, True])
def test_an_upstream_judges(request: pytest.FixtureRequest, tmp_path: Path, apart: bool) -> None:
    """The one that drafts, or a second one; its word is a probability. Where it is gone, nothing is released."""
    (tmp_path / "judged.yaml").write_text(JUDGED)
    asked: Any = {"model": "judged", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12}
    with ExitStack() as stack:
        judge, process = stack.enter_context(served(tmp_path, n_ctx="1024", logits_all="true"))
        drafts = request.getfixturevalue("upstream") if apart else judge
        told = {"model": "openai:judge", "base_url": judge, "critiques": False, "tries": 1}
        (tmp_path / "superego.yaml").write_text(json.dumps({"judge": told}))
        flags = ["-m", str(tmp_path / "judged.yaml"), "--upstream", drafts]
        base, _ = stack.enter_context(serving(*flags, cwd=tmp_path))
        answer = httpx.post(f"{base}/v1/chat/completions", json=asked, timeout=120).json()
        os.kill(process.pid, 9)
        process.wait()
        gone = httpx.post(f"{base}/v1/chat/completions", json=asked, timeout=120)
    assert answer["superego"]["status"] == "released"
    assert 0 < answer["superego"]["score"] < 1
    assert answer["superego"]["critic_usage"]["prompt_tokens"] > 20
    if apart:
        assert gone.json()["choices"][0]["finish_reason"] == "content_filter"
        assert gone.json()["superego"]["stop_reason"] == "undecided"
    else:
        assert gone.status_code == 503


@pytest.mark.parametrize("given", [{"judge": {}}, {"judge": {"model": ""}}, {"judge": {"model": "openai:other"}}])
def test_an_upstream_does_not_judge_itself_unless_it_is_told_to(given: dict[str, dict[str, str]]) -> None:
    """The embedded model does; or a second upstream."""
    settings = Settings(
        generator=GeneratorSettings(model="openai:local", base_url="http://x/v1"),
        judge=JudgeSettings.model_validate(given["judge"]),
    )
    assert judged_here(settings).judge.model == (given["judge"].get("model") or "embedded")

"""A real `llama_cpp.server` as the upstream, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import openai
import pytest

import critics
from pipeline import DraftRequest, Generator, Pieces, assemble, embedded
from pipeline.cli.upstream import judged_here
from pipeline.settings import GeneratorSettings, JudgeSettings, Settings
from tests.pipeline.server.serving import app_of, running
from tests.pipeline.server.test_serve_command import serving

SCRIPT = Path(__file__).parent.parent / "langchain_door" / "upstream_server.py"
MANIFESTO = """name: upstream
version: "1"
rules:
  - id: no-zebra
    statement: No zebra is named.
    critics: [patterns]
    patterns: {forbid_words: [zebra]}
"""


@contextmanager
def upstream(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The embedded model behind llama-cpp-python's own server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"model": embedded.weights(), "host": "127.0.0.1", "port": port, "n_ctx": 1024}
    options |= {"n_threads": 1, "n_threads_batch": 1, "verbose": "false"}
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    log = folder / "upstream.log"
    command = [sys.executable, str(SCRIPT), *words]
    with log.open("wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/v1/models", process, log)
            yield f"http://127.0.0.1:{port}/v1", process
        finally:
            process.kill()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the upstream did not start:\n{log.read_text()[-2000:]}")


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


def test_an_upstream_drafts_and_is_judged_here(tmp_path: Path) -> None:
    """Two processes; the model is the one that the upstream lists."""
    (tmp_path / "upstream.yaml").write_text(MANIFESTO)
    flags = ["-m", str(tmp_path / "upstream.yaml")]
    with (
        upstream(tmp_path) as (url, _),
        serving(*flags, "--upstream", url, cwd=tmp_path) as (base, _),
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
    assert "zebra" not in (refused.choices[0].message.content or "").lower()


def test_an_upstream_that_is_killed_in_the_middle_is_an_error_event(tmp_path: Path) -> None:
    """And the server goes on: it answers, and says that the upstream is out of reach."""
    (tmp_path / "upstream.yaml").write_text(MANIFESTO)
    manifesto = critics.load(str(tmp_path / "upstream.yaml"))
    with upstream(tmp_path) as (url, process):
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


@pytest.mark.parametrize("given", [{"judge": {}}, {"judge": {"model": "openai:other"}}])
def test_an_upstream_does_not_judge_itself_unless_it_is_told_to(given: dict[str, dict[str, str]]) -> None:
    """The embedded model does; or a second upstream."""
    settings = Settings(
        generator=GeneratorSettings(model="openai:local", base_url="http://x/v1"),
        judge=JudgeSettings.model_validate(given["judge"]),
    )
    assert judged_here(settings).judge.model == given["judge"].get("model", "embedded")

"""`superego tune`, as one types it: on a terminal, once, and on real weights."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import critics
from pipeline.assembly import Parts, embedded
from pipeline.caching import Store
from pipeline.cli.main import app
from pipeline.llama.engine.scheduler import Counts
from pipeline.settings import load_settings
from pipeline.tuning import Difference, Event, Made, ProbePrompt, Spent, Tuner
from tests.pipeline.cli.interruptible import COMMAND

PLAIN = """\
name: plain
version: "1"
rules:
  - {id: words, statement: Not these., critics: [patterns], patterns: {forbid: ['%s']}}
"""
JUDGED = """\
name: judged
version: "1"
rules:
  - {id: honest, statement: The answer is honest., threshold: %s}
"""
ANOTHER = "  - {id: brief, statement: The answer is brief.}\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("SUPEREGO_THREADS", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", str(tmp_path / "cache.sqlite"))
    (tmp_path / "prompts.txt").write_text("Name a colour.\nName an animal.\n")
    (tmp_path / "plain.yaml").write_text(PLAIN % "no such thing")


class Speaking(BaseHTTPRequestHandler):
    """An upstream that always says the same."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        choice = {"index": 0, "delta": {"role": "assistant", "content": "Red words."}, "finish_reason": "stop"}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def drafted() -> Iterator[list[str]]:
    """The flags for a generator of few words, so that no model is loaded."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Speaking) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield ["--generator", "openai:m", "--base-url", f"http://127.0.0.1:{server.server_address[1]}/v1"]
        server.shutdown()


def once(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tune", "plain.yaml", "--once", "--prompts", "prompts.txt", *arguments])


def test_edits_on_real_weights(tmp_path: Path) -> None:
    """A threshold costs neither a draft nor a judgement, and the engine does not take a step; of a new rule only that
    is judged, once an answer."""
    file = tmp_path / "judged.yaml"
    settings = load_settings(flags={"generator": {"max_tokens": 12}, "judge": {"critiques": False}})
    told: list[Event] = []
    prompts = [ProbePrompt.of("Name a colour."), ProbePrompt.of("Name an animal.")]
    tuner = Tuner(lambda _: prompts, told.append)
    with Store(tmp_path / "own.sqlite") as store:
        parts = Parts(settings, store=store, strict=True)

        engines = parts.drafting()[0], parts._engines.judging(embedded.weights())

        def counts() -> list[Counts]:
            return [engine.counts for engine in engines]

        def run(text: str) -> Spent:
            file.write_text(text)
            told.clear()
            loaded = critics.load(str(file))
            spent = lambda: Spent(store.missed["drafts"], store.missed["verdicts"])  # noqa: E731  # it is one
            ended = tuner.run(Made(parts.pipeline(loaded), parts.kept(loaded), spent), threading.Event())
            assert ended is not None
            return ended.spent

        try:
            assert run(JUDGED % 0.0001) == Spent(2, 2)
            before = counts()
            assert run(JUDGED % 0.9999) == Spent(0, 0)
            assert counts() == before
            assert [event.mended for event in told if isinstance(event, Difference)] == [("honest",)] * 2
            assert run(JUDGED % 0.9999 + ANOTHER) == Spent(0, 2)
            assert counts()[0] == before[0]
            assert counts()[1] != before[1]
        finally:
            parts.close()


def test_once_shows_the_answers_and_ends(drafted: list[str]) -> None:
    """Exit code 0, whatever passes, and a second time no model is asked."""
    first, second = once(*drafted), once(*drafted)
    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    assert "plain: 1 rule, 2 prompts\n" in first.stdout
    assert "✓ 1 Name a colour.\n    Red words.\n" in first.stdout
    assert "pass rate 100% (2 of 2); 2 drafts; " in first.stdout
    assert "pass rate 100% (2 of 2); no model asked; " in second.stdout


def test_once_says_by_its_exit_code_that_a_model_failed() -> None:
    """And with each prompt, why."""
    result = once("--generator", "openai:m", "--base-url", "http://127.0.0.1:9/v1", "--no-cache")
    assert result.exit_code == 1
    assert result.stdout.count("the model failed: ") == 2
    assert "pass rate 0% (0 of 2)" in result.stdout


def test_without_the_cache_all_is_drafted_again(drafted: list[str]) -> None:
    """And nothing of it is left."""
    for _ in range(2):
        (*_, ended) = map(json.loads, once("--json", "--no-cache", *drafted).stdout.splitlines())
        assert (ended["event"], ended["drafts"]) == ("ended", 2)
    assert not Path("cache.sqlite").exists()


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ("", "there is no prompt in prompts.txt"),
        ('{"prompt": "a"}\n{"nothing": 1}\n', "prompts.txt:2: neither `prompt` nor `messages`: it has `nothing`"),
    ],
)
def test_prompts_that_are_none_are_bad_usage(prompts: str, said: str) -> None:
    """With the line, before any model is loaded."""
    Path("prompts.txt").write_text(prompts)
    result = once()
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_manifesto_that_is_broken_at_the_start_is_bad_usage() -> None:
    """There is no good one to go on with."""
    Path("plain.yaml").write_text("name: plain\n")
    result = CliRunner().invoke(app, ["tune", "plain.yaml"])
    assert result.exit_code == 2
    assert "plain.yaml:1:1: `version` is missing" in result.stderr


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._text = ""

    def until(self, said: str) -> str:
        """What is shown up to the words, without its colours; each thing is seen once."""
        end = time.monotonic() + 120
        while said not in self._plain():
            assert time.monotonic() < end, self._plain()
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if ready:
                self._text += os.read(self._master, 65536).decode()
        shown, self._text = self._plain().split(said, 1)
        return shown + said

    def _plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", self._text)


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    command = [*COMMAND, "tune", "plain.yaml", "--prompts", "prompts.txt", *arguments]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True)
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_save_is_shown_on_a_terminal(tmp_path: Path, drafted: list[str]) -> None:
    """What is broken now, on which answers, and how many pass; a broken edit says where; Ctrl-C ends it with 130."""
    with terminal(*drafted) as screen:
        assert "1 Name a colour." in screen.until("pass rate 100% (2 of 2)")
        (tmp_path / "plain.yaml").write_text(PLAIN % "[a-z]")
        shown = screen.until("pass rate 100% → 0% (0 of 2); no model asked")
        assert "words: patterns" in shown
        assert "✓ → ✗ 2 Name an animal." in shown
        assert "broken: words" in shown
        (tmp_path / "plain.yaml").write_text(PLAIN % "[a-z")
        assert "plain.yaml:4:" in screen.until("missing ]")
        other = tmp_path / "plain.yaml~"
        other.write_text(PLAIN % "no such thing")
        os.replace(other, tmp_path / "plain.yaml")
        assert "mended: words" in screen.until("pass rate 0% → 100% (2 of 2)")
        screen.process.send_signal(signal.SIGINT)
        screen.until("interrupted")
        assert screen.process.wait(30) == 130

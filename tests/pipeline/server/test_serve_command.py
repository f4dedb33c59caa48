"""`superego serve` and `superego key`, as one types them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.cli.serve.idle_keys import note_idle_keys
from pipeline.server import hashed
from pipeline.settings.settings import KeySettings
from tests.pipeline.cli.interruptible import COMMAND
from tests.pipeline.cli.test_cli import run

ENVIRONMENT = {**os.environ, "SUPEREGO_THREADS": "1", "OMP_NUM_THREADS": "1"}
ADDRESS = re.compile(r"at (http://\S+)/v1")


def superego(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT,
    )  # fmt: skip


@contextmanager
def serving(*arguments: str, cwd: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server that runs, and its process."""
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            yield address(process), process
        finally:
            process.kill()


def address(process: subprocess.Popen[str], said: list[str] | None = None) -> str:
    said = [] if said is None else said
    for line in process.stderr or ():
        said.append(line)
        if found := ADDRESS.search(line):
            return found[1]
    raise RuntimeError("the server did not start:\n" + "".join(said))


def manifesto(folder: Path, name: str) -> str:
    file = folder / f"{name}.yaml"
    file.write_text(
        f"name: {name}\nversion: '1'\nrules:\n  - id: short\n    statement: It is short.\n    critics: [patterns]\n"
        "    patterns: {characters: {at_most: 4000}}\n"
    )
    return str(file)


def test_two_manifestos_on_real_weights(tmp_path: Path) -> None:
    """Each is a model, and a signal ends the server in order."""
    names = [manifesto(tmp_path, name) for name in ("one", "other")]
    flags = [word for name in names for word in ("-m", name)]
    (tmp_path / "superego.yaml").write_text("generator: {max_tokens: 8, context: 512}\n")
    with serving(*flags, cwd=tmp_path) as (base, process):
        assert [m["id"] for m in httpx.get(base + "/v1/models").json()["data"]] == ["superego/one", "superego/other"]
        for model in ("one", "other"):
            body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
            answer = httpx.post(base + "/v1/chat/completions", json=body, timeout=120).json()
            assert answer["choices"][0]["message"]["content"]
            assert answer["superego"]["manifesto"]["name"] == model
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_it_says_where_it_is_once_its_critics_are_loaded(tmp_path: Path) -> None:
    """A first request, and a load balancer that finds it ready, wait for nothing."""
    command = [*COMMAND, "serve", "--port", "0", "-m", manifesto(tmp_path, "one")]
    (tmp_path / "superego.yaml").write_text("generator: {context: 512}\n")
    said: list[str] = []
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        base = address(process, said)
        ready = httpx.get(base + "/readyz").status_code
        process.kill()
    assert ready == 200
    assert any("loading what the critics judge with" in line for line in said[:-1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "without a key"),
        (["--host", "::"], "without a key"),
        (["-m", "."], "there is no manifesto in the folder ."),
        (["-m", "no-such"], "no shipped manifesto is called 'no-such'"),
        (["--upstream", "ftp://x"], "--upstream ftp://x: give a web address"),
        (["--upstream", "http://127.0.0.1:9/v1"], "does not say which models it has"),
        (["--upstream", "http://x/v1", "--upstream-key-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
    ],
)
def test_what_cannot_be_served_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], said: str
) -> None:
    """In one text, with exit code 2."""
    monkeypatch.chdir(tmp_path)
    done = run("serve", "--port", "0", *arguments)
    assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True), done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Exit code 1: nothing is wrong with what was typed. And what to type for another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = superego("serve", "--port", str(port), "-m", manifesto(tmp_path, "one"), cwd=tmp_path)
    assert (done.returncode, "cannot listen" in done.stderr) == (1, True), done.stderr
    assert "name another with --port" in done.stderr


def test_a_key_is_made_and_its_hash_is_what_settings_take(tmp_path: Path) -> None:
    """The key itself is nowhere in them."""
    made = json.loads(superego("key", "new", "website", "-m", "house-style", "--json", cwd=tmp_path).stdout)
    assert made["sha256"] == hashed(made["key"])
    done = superego("key", "new", "website", cwd=tmp_path)
    key, settings = done.stdout.strip(), done.stderr.partition("superego.yaml:")[2]
    assert key not in settings
    (tmp_path / "superego.yaml").write_text(settings)
    shown = superego("config", "show", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["server"]["keys"] == [{"name": "website", "sha256": hashed(key), "manifestos": []}]


def test_a_key_for_what_is_not_served_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """It may be misspelt, and its owner would only learn that there is no such model."""
    keys = [KeySettings(name="website", sha256="0" * 64, manifestos=("house-stile", "polite"))]
    note_idle_keys(keys, {"house-style", "polite"})
    said = " ".join(capsys.readouterr().err.split())
    assert "the key 'website' is for the manifesto 'house-stile', which is not served" in said
    assert "house-style" in said
    assert "'polite', which" not in said

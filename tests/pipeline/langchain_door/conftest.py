"""Real upstreams: llama-cpp-python's server with the embedded weights, and a small HTTP server that says its lines."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.embedded import weights as embedded_weights
from pipeline.langchain_door import load_chat_model

Answer = tuple[int, dict[str, str], object]


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's file."""
    return embedded_weights()


@pytest.fixture(scope="session")
def upstream(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base_url of a llama.cpp server; it ends with the session."""
    with _serving(weights, tmp_path_factory.mktemp("upstream") / "log", n_ctx="2048", logits_all="true") as url:
        yield url


@pytest.fixture(scope="module")
def tools_upstream(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same, with a chat format that has tools."""
    log = tmp_path_factory.mktemp("tools") / "log"
    with _serving(weights, log, n_ctx="1024", chat_format="chatml-function-calling") as url:
        yield url


@contextmanager
def _serving(weights: Path, log: Path, **more: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"model": weights, "host": "127.0.0.1", "port": port, **more}
    options |= {"n_threads": 1, "n_threads_batch": 1, "verbose": "false"}  # two spin on each other where others work
    script = Path(__file__).with_name("upstream_server.py")
    command = [
        sys.executable,
        str(script),
        *(str(word) for key, value in options.items() for word in (f"--{key}", value)),
    ]
    with log.open("wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out) as server:
        try:
            _wait_until_ready(server, f"http://127.0.0.1:{port}/v1/models", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the upstream server did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def load_in_process(weights: Path) -> Callable[..., Any]:
    """Load the embedded weights as `ChatLlamaCpp`; options as for `load_chat_model`."""

    def load(**options: Any) -> Any:
        chosen = {"temperature": 0.8, "top_p": None, "timeout": 30.0, "context": 512, "threads": 1, **options}
        return load_chat_model(f"chat-llama-cpp:{weights}", base_url=None, api_key=None, **chosen)

    return load


@pytest.fixture
def serve() -> Iterator[Callable[[Sequence[Answer]], tuple[str, list[dict[str, Any]]]]]:
    """Start a server that gives these answers in turn, the last one for ever; gives its base_url and what it was asked.

    A body that is a string is sent as server-sent events, `None` as events without end, bytes cut short after them;
    anything else as JSON. Each request is noted with its `headers`, when it came (`at`, in seconds), and as `gone`,
    an event that is set once the client has hung up on events without end.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Sequence[Answer]) -> tuple[str, list[dict[str, Any]]]:
        asked: list[dict[str, Any]] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers, asked))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(answers: Sequence[Answer], asked: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            noted = {**body, "headers": dict(self.headers), "at": time.monotonic(), "gone": threading.Event()}
            asked.append(noted)
            status, headers, answer = answers[min(len(asked), len(answers)) - 1]
            self._answer(status, headers, answer, noted["gone"])

        def _answer(self, status: int, headers: dict[str, str], answer: object, gone: threading.Event) -> None:
            whole = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "text/event-stream" if isinstance(answer, str | None) else "application/json"
            )
            for name, value in headers.items():
                self.send_header(name, value)
            if answer is not None and "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            if answer is not None:
                self.wfile.write(whole)
                return
            self.close_connection = True
            self._without_end(gone)

        def _without_end(self, gone: threading.Event) -> None:
            delta = {"choices": [{"index": 0, "delta": {"content": "and "}, "finish_reason": None}]}
            try:
                for _ in range(2000):
                    self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
                    time.sleep(0.005)
            except OSError:
                gone.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler

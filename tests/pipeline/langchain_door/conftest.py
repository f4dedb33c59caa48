"""Upstreams beside the real ones: the embedded weights in this process, and a small HTTP server that says its lines."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.langchain_door import load_chat_model

Answer = tuple[int, dict[str, str], object]


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

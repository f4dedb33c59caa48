"""What a server behind answers wrongly, and what a client is told of it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline import assemble
from pipeline.errors import ModelBusy
from pipeline.server.behind import of_model
from pipeline.settings import Settings
from pipeline.settings.settings import GeneratorSettings
from tests.pipeline.server.serving import NO_BOMBS, TestClient, app_of, chat, manifesto

KEY = "sk-nobody-else-should-see-this"
PATTERNS = NO_BOMBS | {"critics": ["patterns"], "patterns": {"forbid_words": ["bomb"]}}


def chunk(text: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"


EVENTS, PAGE = "text/event-stream", "text/html"
HALVES = [chunk("Good \ud83d"), chunk("\ude00 day \ud83d"), chunk("."), chunk("", "stop"), "data: [DONE]\n\n"]
STREAMS = {
    "/page": (PAGE, "<html>Welcome</html>"),
    "/fault": (EVENTS, f'data: {{"error": {{"message": "oops {KEY}"}}}}\n\n'),
    "/halves": (EVENTS, "".join(HALVES)),
}


class Handler(BaseHTTPRequestHandler):
    """At `/401` and so on answers with that status, and repeats the key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        path = self.path.removesuffix("/chat/completions")
        known = path in STREAMS
        kind, said = STREAMS.get(path, ("application/json", json.dumps({"error": {"message": f"no: {KEY}"}})))
        self.send_response(200 if known else int(path.strip("/")))
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(said)))
        self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal."""


@pytest.fixture
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def answered(url: str, **fields: Any) -> Any:
    told = GeneratorSettings.model_validate({"model": "openai:q", "base_url": url, "api_key": KEY, "tries": 1})
    pipeline = assemble(manifesto(rules=[PATTERNS], stream="window"), Settings(generator=told))
    return TestClient(app_of(pipeline)).post("/v1/chat/completions", json=chat(**fields))


@pytest.mark.parametrize(
    ("path", "status", "code", "said"),
    [
        ("401", 502, "model_failed", "does not accept the key that it is sent (HTTP 401): whoever runs this server"),
        ("403", 502, "model_failed", "does not accept the key that it is sent (HTTP 403): whoever runs this server"),
        ("404", 502, "model_failed", "has no such model, or no such address: whoever runs this server"),
        ("422", 502, "model_failed", "does not take the request (HTTP 422)"),
        ("429", 503, "model_unavailable", "is busy: try again later"),
        ("500", 503, "model_unavailable", "has failed (HTTP 500): try again later"),
        ("503", 503, "model_unavailable", "is busy: try again later"),  # since it says when
        ("page", 503, "model_unavailable", "cannot be reached, or broke off"),
        ("fault", 502, "model_failed", "failed to answer"),
    ],
)
def test_a_fault_behind_is_told_with_its_cause_and_cure(
    upstream: str, path: str, status: int, code: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And never in the words of that server, which may repeat a key; the log has none either."""
    caplog.set_level(logging.INFO, "superego.server")
    answer = answered(f"{upstream}/{path}")
    fault = answer.json()["error"]
    assert (answer.status_code, fault["code"], fault["type"]) == (status, code, "server_error")
    assert said in fault["message"]
    assert KEY not in answer.text + caplog.text
    asked = "7" if path in ("429", "500", "503") else "2"
    assert answer.headers.get("retry-after") == (asked if status == 503 else None)


def test_a_model_in_this_process_that_has_too_much_to_do_is_busy() -> None:
    """It is there, and no server."""
    assert of_model(ModelBusy("64 requests are waiting already")).body.error.message == (
        "the model is busy: try again later"
    )


def test_a_page_for_people_is_told_from_an_answer_that_broke_off(
    upstream: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, for whoever has set the address."""
    caplog.set_level(logging.INFO, "superego.server")
    answered(f"{upstream}/page")
    assert "/page gave nothing that is an answer: check that base_url" in caplog.text


@pytest.mark.parametrize("stream", [False, True])
def test_a_character_that_comes_in_halves_is_whole(upstream: str, stream: bool) -> None:
    """And a half by itself is replaced, in a stream as well."""
    answer = answered(f"{upstream}/halves", stream=stream)
    if not stream:
        said = answer.json()["choices"][0]["message"]["content"]
    else:
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
        said = "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)
    assert said == "Good \U0001f600 day \ufffd."

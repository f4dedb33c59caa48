"""What `--upstream` is told at the start: addresses, keys, and servers that do not list their models."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.cli.serve.listing import first_model
from pipeline.cli.serve.upstream import drafting
from pipeline.errors import BadInput
from pipeline.settings import ServedSettings

KEY = "sk-nobody-else-should-see-this"
LISTED = (200, '{"data": [{"id": "first"}, {"id": "second"}]}')
ANSWERS = {
    "/v1/models": LISTED,
    "/secret/models": (401, json.dumps({"error": {"message": f"wrong key {KEY}"}})),
    "/page/models": (200, "<html>Welcome</html>"),
    "/none/models": (200, '{"data": []}'),
    "/broken/models": (500, "{}"),
}


class Upstream(ThreadingHTTPServer):
    """Remembers what it was asked with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys: dict[str, str | None] = {}


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        self.server.keys[self.path] = self.headers["authorization"]
        if self.path == "/moved/models":
            self.send_response(302)
            self.send_header("location", "/v1/models")
            self.end_headers()
            return
        status, body = ANSWERS.get(self.path, (404, "{}"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def address(upstream: Upstream, path: str = "/v1", user: str = "") -> str:
    return f"http://{user}127.0.0.1:{upstream.server_port}{path}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:8080", "with its scheme: http://127.0.0.1:8080"),
        ("localhost:8080/v1", "with its scheme: http://localhost:8080/v1"),
        ("ftp://x/v1", "give a web address"),
        ("http:///v1", "give a web address"),
        ("http://me:pass@host:x/v1", "give a web address"),
        ("http://[::1/v1", "give a web address"),
        ("http://a b/v1", "give a web address"),
        ("http://host/v1/v1", "the interface alone, http://host/v1"),
        ("http://host/v1/chat/completions", "the interface alone, http://host/v1"),
        ("http://host/api/v1/models/", "the interface alone, http://host/api/v1"),
    ],
)
def test_an_address_that_is_none_is_told_with_what_was_probably_meant(url: str, said: str) -> None:
    """Also where the model is named, and nobody is asked at the start."""
    with pytest.raises(BadInput) as caught:
        drafting(url, "some", None, ServedSettings())
    assert said in str(caught.value)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "key", "said"),
    [
        ("/secret", KEY, "it does not accept the key (HTTP 401): check the variable"),
        ("/secret", None, "it wants a key (HTTP 401)"),
        ("", None, "nothing is there (HTTP 404): check the address, which ends in /v1"),
        ("/page", None, "something else than a list of models"),
        ("/none", None, "something else than a list of models"),
        ("/broken", None, "it has failed (HTTP 500): see its log"),
    ],
)
def test_a_server_that_does_not_say_which_models_it_has(
    upstream: Upstream, path: str, key: str | None, said: str
) -> None:
    """The cause is told, and the cure that fits it, and the key never."""
    with pytest.raises(BadInput) as caught:
        first_model(address(upstream, path), key)
    assert said in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_key_is_what_its_variable_holds_without_the_lines_end(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has one, and a header must not. What can be no key is refused, and not repeated."""
    monkeypatch.setenv("KEY", f"{KEY}\n")
    made = drafting(address(upstream), None, "KEY", ServedSettings())
    assert (made["model"], made["api_key"]) == ("openai:first", KEY)
    assert upstream.keys["/v1/models"] == f"Bearer {KEY}"
    monkeypatch.setenv("KEY", "geh\u2026eim")
    with pytest.raises(BadInput, match="KEY: what it holds is no key") as caught:
        drafting(address(upstream), None, "KEY", ServedSettings())
    assert "eim" not in str(caught.value)


def test_who_stands_in_the_address_is_asked_for_as(upstream: Upstream) -> None:
    """As for the drafts."""
    assert first_model(address(upstream, user="me:p%40ss@"), KEY) == "first"
    assert upstream.keys["/v1/models"] == f"Basic {b64encode(b'me:p@ss').decode()}"


def test_a_key_goes_no_further_than_to_the_server_that_it_is_for(upstream: Upstream) -> None:
    """Wherever that leads."""
    assert first_model(address(upstream, "/moved"), KEY) == "first"
    assert upstream.keys == {"/moved/models": f"Bearer {KEY}", "/v1/models": None}

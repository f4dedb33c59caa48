"""Keys, and bounds on a body."""

from __future__ import annotations

import hmac
import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from pipeline.server import Key, hashed, new_key
from pipeline.server.door.keys import known
from tests.pipeline.server.serving import TestClient, app_of, chat, running, scripted

URL = "/v1/chat/completions"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "{}"])
def test_without_a_known_key_nobody_comes_in(header: str) -> None:
    """Wherever it matters; health is open."""
    key, digest = new_key()
    client = TestClient(app_of(scripted("Good day."), keys=(Key("me", digest),)))
    given = {"authorization": header.format(key)} if header else {}
    for method, path in (("POST", URL), ("GET", "/v1/models"), ("GET", "/metrics"), ("GET", "/nowhere")):
        answer = client.request(method, path, headers=given, json=chat() if method == "POST" else None)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/healthz").status_code == client.get("/readyz", headers=given).status_code == 200


def test_strangers_are_not_told_what_is_served() -> None:
    """Whether it is ready they may know: a load balancer has no key."""
    key, digest = new_key()
    client = TestClient(app_of(scripted("Good day."), keys=(Key("me", digest),)))
    assert client.get("/readyz").json() == {"status": "ready", "stale": False, "manifestos": [], "broken": []}
    assert [m["name"] for m in client.get("/readyz", headers=bearer(key)).json()["manifestos"]] == ["polite"]


def test_a_key_for_one_manifesto_is_not_told_of_others() -> None:
    """Nor of their figures, nor of the files that are broken."""
    (one, digest), (every, other) = new_key(), new_key()
    keys = (Key("one", digest, frozenset({"polite"})), Key("every", other))
    app = app_of(scripted("a"), scripted("b", name="secret"), keys=keys)
    catalogue = app.state.service.catalogue
    catalogue.replace(catalogue.served, {"secret.yaml": "not YAML"})
    client = TestClient(app)
    ready = {key: client.get("/readyz", headers=bearer(key)).json() for key in (one, every)}
    assert ([m["name"] for m in ready[one]["manifestos"]], ready[one]["broken"]) == (["polite"], [])
    assert [m["name"] for m in ready[every]["manifestos"]] == ["polite", "secret"]
    assert ready[every]["broken"] == ["secret.yaml"]
    refused = client.get("/metrics", headers=bearer(one))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "key_not_allowed")
    assert client.get("/metrics", headers=bearer(every)).status_code == 200


def test_a_key_opens() -> None:
    """Whatever case `Bearer` is written in."""
    key, digest = new_key()
    client = TestClient(app_of(scripted("Good day."), keys=(Key("other", hashed("x")), Key("me", digest.upper()))))
    assert client.post(URL, json=chat(), headers=bearer(key)).status_code == 200
    assert client.get("/v1/models", headers={"authorization": f"bearer {key}"}).status_code == 200


def test_a_key_may_hold_any_sign() -> None:
    """As UTF-8 has it; bytes that are none are a key that nobody has, and no bug."""
    keys = (Key("me", hashed("schl\u00fcssel")),)
    given = ("schl\u00fcssel".encode(), "schl\u00fcssel".encode("latin-1"), b"\xff\x80")
    with running(app_of(scripted("Good day."), keys=keys)) as base:
        asked = [httpx.get(f"{base}/v1/models", headers={b"authorization": b"Bearer " + key}) for key in given]
    assert [answer.status_code for answer in asked] == [200, 401, 401]


def test_what_is_no_bearer_key_is_told_how_to_give_one() -> None:
    """And a key that is not known, that it is not; never which it was."""
    client = TestClient(app_of(scripted("Good day."), keys=(Key("me", hashed("x")),)))
    said = [
        client.get("/v1/models", headers={"authorization": given}).json()["error"]["message"]
        for given in ("Basic bWU6cGFzcw==", "sk-mine", "Bearer sk-mine")
    ]
    assert said == [*["give a key, as `Authorization: Bearer …`"] * 2, "this key is not known here"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("192.168.1.7", 200),
        ("evil.example:8000", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example:8000", 403),
    ],
)  # fmt: skip
def test_without_keys_other_peoples_pages_are_kept_out(host: str, status: int) -> None:
    """Whose name leads here, but is not this machine's."""
    answer = TestClient(app_of(scripted("Good day."))).post(URL, json=chat(), headers={"host": host})
    assert answer.status_code == status
    key, digest = new_key()
    keyed = TestClient(app_of(scripted("Good day."), keys=(Key("me", digest),)))
    assert keyed.post(URL, json=chat(), headers={"host": host, **bearer(key)}).status_code == 200


def test_a_key_is_for_its_manifestos() -> None:
    """The others are not there for it: neither listed nor found."""
    key, digest = new_key()
    mine = Key("me", digest, frozenset({"other"}))
    client = TestClient(app_of(scripted("a"), scripted("b", name="other"), keys=(mine,)))
    assert [m["id"] for m in client.get("/v1/models", headers=bearer(key)).json()["data"]] == ["superego/other"]
    refused = client.post(URL, json=chat(), headers=bearer(key))
    unknown = client.post(URL, json=chat() | {"model": "superego/none"}, headers=bearer(key))
    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["error"]["code"] == unknown.json()["error"]["code"] == "model_not_found"
    assert client.get("/v1/models/superego/polite", headers=bearer(key)).status_code == 404


def test_every_key_is_compared_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In constant time each, and all of them whichever it is."""
    compared: list[str] = []
    really = hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return really(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    keys = [Key(str(number), hashed(str(number))) for number in range(3)]
    assert known("0", keys) == keys[0]
    assert known("none", keys) is None
    assert len(compared) == 6


def test_a_fresh_key_is_long_and_only_its_hash_is_kept() -> None:
    """256 bits of chance."""
    (one, digest), (other, _) = new_key(), new_key()
    assert one != other
    assert len(one.removeprefix("sk-ego-")) >= 43
    assert one not in repr(Key("me", digest))


def test_a_body_that_is_too_large_is_refused() -> None:
    """By what it says of itself, and by what it is."""
    client = TestClient(app_of(scripted("Good day."), body_bytes=500))
    big = json.dumps(chat("x" * 600)).encode()
    announced = client.post(URL, content=big)
    counted = client.post(URL, content=iter([big[:300], big[300:]]))
    for answer in (announced, counted):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_a_body_that_does_not_come_is_given_up() -> None:
    """408, and the connection is closed."""
    with running(app_of(scripted("Good day."), body_seconds=0.1)) as base:
        address = urlsplit(base)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as wire:
            wire.sendall(f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{{".encode())
            said = b""
            while more := wire.recv(4096):
                said += more
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"

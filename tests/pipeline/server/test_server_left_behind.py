"""What never answers: it keeps no place, is counted, and does not pile up for ever."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import httpx
import pytest

from critics import Exchange, Finding, Rule, behind
from pipeline import DraftRequest, Piece, Pieces, Pipeline
from pipeline.server.work import pool
from tests.pipeline.server.serving import app_of, chat, running, scripted

URL = "/v1/chat/completions"


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, nobody answers."""
    monkeypatch.setattr(behind, "_left", {})
    monkeypatch.setattr(behind, "SOON", 0.1)
    monkeypatch.setattr(pool, "_LOOK", 0.15)
    event = threading.Event()
    yield event
    event.set()


def silent(go: threading.Event) -> Pipeline:
    class Silent:
        name, can_continue = "silent", False

        def __call__(self, request: DraftRequest) -> Pieces:
            go.wait(60)
            yield Piece("Good day.", finish="stop")

    return replace(scripted("unused"), generator=Silent())


def unjudged(go: threading.Event) -> Pipeline:
    def hung(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        go.wait(60)
        return [Finding(rule.id, "hung", 0.0) for rule in rules]

    return replace(scripted("Good day."), critic=hung)


def soon(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


@pytest.mark.parametrize("made", [silent, unjudged])
def test_what_never_answers_is_left_behind_and_bounded(
    made: Callable[[threading.Event], Pipeline], go: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """The place is given back, the figures and the log tell of it, and once there is one for each place nothing is
    taken, which a load balancer is told; until they have ended."""
    app = app_of(made(go), threads=1, waiting=1, deadline=0.6)
    with running(app) as base, httpx.Client(base_url=base, timeout=30) as client:
        assert behind.left_behind() == 0
        for _ in range(2):
            assert client.post(URL, json=chat()).status_code == 504
            soon(lambda: app.state.service.work.taken == 0, "its place was never given back")
        soon(lambda: behind.left_behind() == 2, "nobody was left behind")
        assert "superego_left_behind 2.0" in client.get("/metrics").text
        refused = client.post(URL, json=chat())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stuck")
        assert "retry-after" in refused.headers
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["status"]) == (503, "stuck")
        told = {"event": "left_behind", "threads": 2, "at_most": 2}
        soon(lambda: json.dumps(told) in caplog.messages, "the log says nothing")
        go.set()
        soon(lambda: behind.left_behind() == 0, "they never ended")
        assert client.post(URL, json=chat()).status_code == 200
        assert client.get("/readyz").status_code == 200


def test_nothing_is_told_where_nothing_is_left_behind(caplog: pytest.LogCaptureFixture, go: threading.Event) -> None:
    """Not of an answer that has only ended."""
    caplog.set_level(logging.WARNING, "superego.server")
    with running(app_of(scripted("Good day."))) as base:
        assert httpx.post(base + URL, json=chat()).status_code == 200
        time.sleep(0.3)
    assert caplog.messages == []

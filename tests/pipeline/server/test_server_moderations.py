"""`POST /v1/moderations`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from critics import Exchange, Finding, Rule
from pipeline.server import Key, hashed
from tests.pipeline.server.serving import POLITE, TestClient, app_of, running, scripted

URL = "/v1/moderations"


def post(input: Any, *, keys: dict[str, Any] | None = None, **fields: Any) -> Any:
    return TestClient(app_of(scripted("unused", **(keys or {})))).post(URL, json={"input": input, **fields})


def test_categories_are_the_rules_for_input() -> None:
    """Each with its probability."""
    (result,) = post("A bomb, please.").json()["results"]
    assert result["flagged"] is True
    assert result["categories"] == {"no-bombs": True}
    assert result["category_scores"] == {"no-bombs": 0.9}


def test_a_list_has_a_result_each_in_order() -> None:
    """And parts of text are one text."""
    results = post(["Good day.", "A bomb."]).json()["results"]
    assert [result["flagged"] for result in results] == [False, True]
    (one,) = post([{"type": "text", "text": "A"}, {"type": "text", "text": "bomb."}]).json()["results"]
    assert one["flagged"] is True


def test_what_nobody_could_judge_is_flagged_and_named() -> None:
    """Undecided is never a pass."""
    (result,) = post("A riddle.").json()["results"]
    assert (result["flagged"], result["undecided"], result["category_scores"]) == (True, ["no-bombs"], {"no-bombs": 1})


def test_a_reply_is_judged_by_the_rules_for_output() -> None:
    """Where one is given, or where the manifesto has rules for nothing else."""
    (result,) = post("Hello?", response="You rude thing.").json()["results"]
    assert result["categories"] == {"polite": True}
    (result,) = post("You rude thing.", keys={"rules": [POLITE]}).json()["results"]
    assert result["categories"] == {"polite": True}


@pytest.mark.parametrize("model", [None, "omni-moderation-latest", "superego/polite", "polite"])
def test_the_only_manifesto_need_not_be_named(model: str | None) -> None:
    """Nor under a name that clients of OpenAI have set."""
    assert post("Good day.", model=model).json()["model"] == "superego/polite"


def test_one_of_several_must_be_named() -> None:
    """A guess might be the wrong one."""
    client = TestClient(app_of(scripted("a"), scripted("b", name="other")))
    assert client.post(URL, json={"input": "x"}).json()["error"]["param"] == "model"
    assert client.post(URL, json={"input": "x", "model": "omni-moderation-latest"}).status_code == 404


def test_a_manifesto_that_is_not_there_is_no_other_one() -> None:
    """Also where it is called after what it does, as one that has been renamed or that the key is not for."""
    client = TestClient(app_of(scripted("a")))
    answer = client.post(URL, json={"input": "x", "model": "superego/our-moderation"})
    assert answer.json()["error"]["code"] == "model_not_found"


def test_a_key_that_is_for_nothing_here_is_told_so() -> None:
    """No name would help."""
    client = TestClient(app_of(scripted("a"), keys=(Key("old", hashed("k"), frozenset({"renamed"})),)))
    answer = client.post(URL, json={"input": "x"}, headers={"authorization": "Bearer k"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "no manifesto is here for this key")


@pytest.mark.parametrize(
    "fields", [{"input": []}, {"input": 5}, {"input": ["a", "b"], "response": "c"}, {"input": ["x"] * 129},
               {"input": [{"type": "image_url", "image_url": {"url": "x"}}]}],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(fields: dict[str, Any]) -> None:
    """Images, nothing, and too much."""
    answer = post(**fields)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_breaches_are_counted() -> None:
    """As those of drafts are."""
    client = TestClient(app_of(scripted("unused")))
    client.post(URL, json={"input": "A bomb."})
    assert 'superego_breaches_total{manifesto="polite",rule="no-bombs"} 1.0' in client.get("/metrics").text


def test_past_the_grace_a_moderation_is_told_that_the_server_ends() -> None:
    """As a stream is and a draft, with OpenAI's body, and whatever its critic waits for."""
    begun, go = threading.Event(), threading.Event()

    def silent(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        begun.set()
        go.wait(30)
        return []

    app = app_of(replace(scripted("unused"), critic=silent))
    with ThreadPoolExecutor(1) as clients, running(app, grace=0.05) as base:
        waiting = clients.submit(httpx.post, base + URL, json={"input": ["one", "two"]}, timeout=30)
        assert begun.wait(10)
        app.state.running.should_exit = True
        answer = waiting.result()
        go.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "shutting_down")
    assert answer.headers["retry-after"]


def test_within_the_grace_a_moderation_is_waited_for() -> None:
    """What is under way when the server is asked to end is answered."""
    begun, go = threading.Event(), threading.Event()

    def slow(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        begun.set()
        go.wait(30)
        return [Finding(rule.id, "slow", 0.0) for rule in rules]

    app = app_of(replace(scripted("unused"), critic=slow))
    with ThreadPoolExecutor(1) as clients, running(app, grace=30) as base:
        waiting = clients.submit(httpx.post, base + URL, json={"input": "one"}, timeout=30)
        assert begun.wait(10)
        app.state.running.should_exit = True
        while not app.state.service.work.ending:
            time.sleep(0.01)
        go.set()
        assert waiting.result().json()["results"][0]["flagged"] is False


def test_a_critic_that_never_answers_keeps_no_place() -> None:
    """Once the request is late it is left behind, so that the next one has room."""
    go = threading.Event()

    def hung(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        if "hang" in exchange.judged:
            go.wait(60)
        return [Finding(rule.id, "hung", 0.0) for rule in rules]

    app = app_of(replace(scripted("unused"), critic=hung), threads=1, waiting=0, deadline=0.6)
    try:
        with running(app) as base:
            assert httpx.post(base + URL, json={"input": "hang"}, timeout=30).status_code == 504
            end = time.monotonic() + 10
            while app.state.service.work.taken:
                assert time.monotonic() < end, "its place was never given back"
                time.sleep(0.02)
            assert httpx.post(base + URL, json={"input": "hi"}, timeout=30).status_code == 200
    finally:
        go.set()

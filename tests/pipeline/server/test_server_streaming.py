"""Streams, and what becomes of them: over a real connection."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from critics import Exchange, Finding, Rule, ScriptedCritic
from pipeline import ModelUnavailable, Pipeline
from pipeline.server import listen
from tests.pipeline.server.serving import REFUSAL, Gated, app_of, chat, gated, opinion, running, scripted

URL = "/v1/chat/completions"


def events(lines: Iterator[str]) -> list[Any]:
    """What came, `[DONE]` and comments as they are."""
    given: list[Any] = []
    for line in lines:
        if line.startswith(":"):
            given.append(line)
        elif line:
            said = line.removeprefix("data: ")
            given.append(said if said == "[DONE]" else json.loads(said))
    return given


@contextmanager
def streaming(base: str, body: dict[str, Any]) -> Iterator[httpx.Response]:
    with httpx.stream("POST", base + URL, json=body, timeout=30) as response:
        yield response


def streamed(pipeline: Pipeline, body: dict[str, Any], **options: Any) -> list[Any]:
    with running(app_of(pipeline, **options)) as base, streaming(base, body) as response:
        return events(response.iter_lines())


def test_chunks_are_openais() -> None:
    """The role, the text, the reason for the end, then `[DONE]`; one id throughout."""
    *chunks, done = streamed(scripted("rude", "Good day."), chat(stream=True))
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == "Good day."
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert chunks[-1]["superego"]["attempts"] == 2
    assert not [chunk for chunk in chunks if "usage" in chunk]


def test_usage_comes_last_where_it_is_asked_for() -> None:
    """Every other chunk says that it is still to come."""
    *chunks, last, _ = streamed(scripted("Good day."), chat(stream=True, stream_options={"include_usage": True}))
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 2)
    assert {chunk["usage"] for chunk in chunks} == {None}


def test_a_withheld_stream_says_the_refusal() -> None:
    """And nothing of what was drafted."""
    *chunks, _ = streamed(scripted("rude", "rude one", "rude two"), chat(stream=True))
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == REFUSAL
    assert chunks[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_several_answers_in_one_stream() -> None:
    """Each begins with its role and ends with its reason."""
    *chunks, _ = streamed(scripted("Good day."), chat(stream=True, n=2))
    for index in (0, 1):
        own = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        assert own[-1]["finish_reason"] == "stop"


def test_a_fault_before_the_first_word_has_a_status() -> None:
    """A stream that never began is no stream."""
    app = app_of(scripted(ModelUnavailable("gone")))
    with running(app) as base, streaming(base, chat(stream=True)) as response:
        assert response.status_code == 503
        assert json.loads(response.read())["error"]["code"] == "model_unavailable"


def contents(chunks: list[Any]) -> list[str]:
    return [text for chunk in chunks if (text := chunk["choices"][0]["delta"].get("content"))]


def test_a_manifesto_can_show_sentences_as_they_pass() -> None:
    """The one that failed is never shown: the draft goes on from what was."""
    pipeline = scripted("Good day. You rude thing.", " I am well. And you?", stream="sentence")
    *chunks, done = streamed(pipeline, chat(stream=True))
    assert len(contents(chunks)) > 1
    assert "".join(contents(chunks)).split() == ["Good", "day.", "I", "am", "well.", "And", "you?"]
    assert (chunks[-1]["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")


def test_what_was_shown_stays_and_no_refusal_is_put_behind_it() -> None:
    """The end says that the rest is withheld."""
    pipeline = scripted("Good day. You rude thing.", " You rude one.", " You rude two.", stream="sentence")
    *chunks, _ = streamed(pipeline, chat(stream=True))
    assert "".join(contents(chunks)).split() == ["Good", "day."]
    assert chunks[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_an_answer_that_is_not_streamed_is_held() -> None:
    """Whatever the manifesto says of streams: half an answer would be of no use."""
    with running(app_of(scripted("Good day. You rude thing.", " I am well.", stream="sentence"))) as base:
        answer = httpx.post(base + URL, json=chat()).json()
    assert answer["choices"][0]["message"]["content"].strip() == "I am well."


class Breaking(Gated):
    """Breaks where the others go on."""

    def __call__(self, request: Any) -> Any:
        yield from super().__call__(request)
        raise ModelUnavailable("the wire was cut")


def test_a_fault_after_signs_of_life_is_an_event_and_the_last_one() -> None:
    """No `[DONE]`: it is not done. The server goes on."""
    generator = Breaking()
    with running(app_of(gated(generator), keep_alive=0.02)) as base:
        with streaming(base, chat(stream=True)) as response:
            lines = response.iter_lines()
            assert next(lines).startswith(":")
            generator.go.set()
            *_, last = events(lines)
        assert last["error"]["code"] == "model_unavailable"
        assert httpx.get(base + "/healthz").status_code == 200


def test_nothing_of_a_draft_is_there_while_it_is_held() -> None:
    """Signs of life only, until it is judged."""
    generator = Gated(["Good ", "day."])
    with running(app_of(gated(generator), keep_alive=0.02)) as base, streaming(base, chat(stream=True)) as response:
        lines = response.iter_lines()
        assert generator.begun.acquire(timeout=10)
        first = [next(lines) for _ in range(4)]
        assert {line[:1] for line in first} == {":", ""}
        generator.go.set()
        assert events(lines)[-1] == "[DONE]"


@pytest.mark.parametrize(("stream", "keep_alive"), [(True, 0.02), (True, 60), (False, 60)])
def test_a_client_that_leaves_stops_the_work(stream: bool, keep_alive: float, caplog: pytest.LogCaptureFixture) -> None:
    """The generator is closed before it writes another word, and there is room again."""
    generator = Gated()
    app = app_of(gated(generator), keep_alive=keep_alive, threads=1, waiting=0)
    with running(app) as base:
        ask_and_leave(base, stream=stream, generator=generator)
        assert generator.closed.wait(10)
        assert generator.written == ["one"]
        assert wait_until(lambda: app.state.service.work.taken == 0)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_those_who_leave_do_not_disturb_those_who_stay() -> None:
    """Half of sixteen hang up in the middle; the others get their answers whole."""
    generator = Gated(["Good ", "day ", "to ", "you."])
    app = app_of(gated(generator), threads=16, keep_alive=0.02)
    with running(app) as base, ThreadPoolExecutor(8) as clients:
        stayed = [clients.submit(streamed_from, base) for _ in range(8)]
        for _ in range(8):  # first, or one who leaves would take the word of one who stays for its own
            assert generator.begun.acquire(timeout=10)
        for _ in range(8):
            ask_and_leave(base, stream=True, generator=generator)
        assert wait_until(lambda: app.state.service.work.taken == 8)
        generator.go.set()
        for answer in stayed:
            *chunks, done = answer.result(30)
            assert done == "[DONE]"
            assert "".join(contents([chunk for chunk in chunks if not isinstance(chunk, str)])).split() == [
                "Good", "day", "to", "you.",
            ]  # fmt: skip
        assert wait_until(lambda: app.state.service.work.taken == 0)


def streamed_from(base: str) -> list[Any]:
    with streaming(base, chat(stream=True)) as response:
        return events(response.iter_lines())


def ask_and_leave(base: str, *, stream: bool, generator: Gated) -> None:
    body = json.dumps(chat(stream=stream)).encode()
    address = urlsplit(base)
    with socket.create_connection((address.hostname or "", address.port or 0)) as wire:
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
        wire.sendall(f"POST {URL} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\n".encode() + body)
        assert generator.begun.acquire(timeout=10)


def wait_until(condition: Any, seconds: float = 10.0) -> bool:
    """Whether it becomes true; what is waited for happens on another thread that tells nobody."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_a_full_queue_is_told_at_once() -> None:
    """429 with a time to wait, and whoever is in is not disturbed."""
    generator = Gated()
    app = app_of(gated(generator), threads=1, waiting=0, keep_alive=0.02)
    with running(app) as base, streaming(base, chat(stream=True)) as response:
        assert generator.begun.acquire(timeout=10)
        refused = httpx.post(base + URL, json=chat())
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        assert int(refused.headers["retry-after"]) >= 1
        generator.go.set()
        assert events(response.iter_lines())[-1] == "[DONE]"


def test_who_leaves_the_queue_makes_room_in_it() -> None:
    """At once, and not when a thread gets to what nobody waits for any more."""
    generator = Gated()
    app = app_of(gated(generator), threads=1, waiting=1, keep_alive=0.02)
    with running(app) as base, streaming(base, chat(stream=True)) as response:
        assert generator.begun.acquire(timeout=10)
        with streaming(base, chat(stream=True)) as second:
            lines = second.iter_lines()  # kept, for httpx hangs up once nobody holds it
            assert next(lines).startswith(":")
            assert httpx.post(base + URL, json=chat()).status_code == 429
        assert wait_until(lambda: app.state.service.work.taken == 1)
        generator.go.set()
        assert events(response.iter_lines())[-1] == "[DONE]"


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """Nagle's algorithm is off on what the server accepts: an answer in two packets would wait 40 ms."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as _:
        accepted, _ = listener.accept()
        assert accepted.proto == socket.IPPROTO_TCP
        accepted.close()


def test_past_the_deadline_there_is_an_error() -> None:
    """504, as a status or as an event, and the work is stopped."""
    for body, read in ((chat(), whole), (chat(stream=True), last_event)):
        generator = Gated()
        with running(app_of(gated(generator), deadline=0.2, keep_alive=0.05)) as base:
            assert read(base, body)["error"]["code"] == "timeout"
            assert generator.closed.wait(10)


@pytest.mark.parametrize("late", [True, False])
def test_what_nobody_waits_for_any_more_is_counted_and_in_the_log(late: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Past the deadline and where the client has left: its tokens were paid for, under the number of its request."""
    caplog.set_level(logging.INFO, "superego.server")
    generator = Gated()
    with running(app_of(gated(generator), keep_alive=0.02, **({"deadline": 0.2} if late else {}))) as base:
        if late:
            whole(base, chat())
        else:
            ask_and_leave(base, stream=True, generator=generator)
        assert wait_until(lambda: 'stop_reason="cancelled"} 1.0' in httpx.get(f"{base}/metrics").text)
        assert 'superego_tokens_total{kind="completion",role="generator"} 1.0' in httpx.get(f"{base}/metrics").text
    lines = [json.loads(record.message) for record in caplog.records if record.name == "superego.server"]
    asked = next(line for line in lines if line.get("path") == URL)
    told = [line for line in lines if line["id"] == asked["id"] and "answers" in line]
    assert [(line["model"], answer["tokens"]["generator"]) for line in told for answer in line["answers"]] == [
        ("polite", 1)
    ]


def test_a_rule_that_nobody_waited_for_is_none_that_could_not_be_judged() -> None:
    """Its critic was told to stop: to count that would tell of a fault where a client has left."""
    go = threading.Event()

    def slow(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        go.wait(0 if exchange.draft is None else 30)
        return list(ScriptedCritic(opinion)(exchange, rules))

    with running(app_of(replace(scripted("Good day."), critic=slow), deadline=0.2)) as base:
        whole(base, chat())
        assert wait_until(lambda: 'stop_reason="cancelled"} 1.0' in httpx.get(f"{base}/metrics").text)
        go.set()
        assert "superego_undecided_total{" not in httpx.get(f"{base}/metrics").text


def whole(base: str, body: dict[str, Any]) -> Any:
    answer = httpx.post(base + URL, json=body, timeout=30)
    assert answer.status_code == 504
    return answer.json()


def last_event(base: str, body: dict[str, Any]) -> Any:
    with streaming(base, body) as response:
        return events(response.iter_lines())[-1]


def test_an_orderly_end_lets_requests_finish() -> None:
    """What is asked meanwhile is told to go elsewhere."""
    generator = Gated()
    app = app_of(gated(generator), keep_alive=0.02)
    with running(app, grace=30) as base, streaming(base, chat(stream=True)) as response:
        assert generator.begun.acquire(timeout=10)
        app.state.running.should_exit = True
        assert wait_until(lambda: app.state.service.work.ending)
        assert httpx.post(base + URL, json=chat()).json()["error"]["code"] == "shutting_down"
        assert httpx.get(base + "/readyz").status_code == 503
        generator.go.set()
        assert events(response.iter_lines())[-1] == "[DONE]"


def test_past_the_grace_a_stream_ends_with_an_error() -> None:
    """And not in the middle of a word; the work is stopped."""
    generator = Gated()
    app = app_of(gated(generator), keep_alive=0.02)
    with running(app, grace=0.05) as base, streaming(base, chat(stream=True)) as response:
        assert generator.begun.acquire(timeout=10)
        app.state.running.should_exit = True
        assert events(response.iter_lines())[-1]["error"]["code"] == "shutting_down"
        assert generator.closed.wait(10)

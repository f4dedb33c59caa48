"""Calls that failed are repeated in one place: as often as asked, as late as asked, and only where it may help."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from critics import Exchange, Finding, Message, Rule, within
from pipeline.drafting import DraftRequest
from pipeline.errors import ModelFault, ModelRefused, ModelUnavailable
from pipeline.langchain_door import ChatGenerator, ChatJudgeModel, load_chat_model
from pipeline.langchain_door.retry import Retries, retried, retried_stream

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]

ASKED = (Message("user", "hi"),)
QUICK = Retries(attempts=3, timeout=5.0, wait=0.01)
WELL = {
    "id": "1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "well"}, "finish_reason": "stop"}],
}
BUSY = {"error": {"message": "busy"}}


def model(base_url: str) -> Any:
    return load_chat_model(
        "openai:small", base_url=base_url, api_key=None, temperature=0.0, top_p=None, timeout=5.0, context=2048
    )


def test_a_busy_server_is_asked_again_when_it_said(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """After a 429 with Retry-After: 1, the call is made again after a second, and succeeds."""
    url, asked = serve([(429, {"Retry-After": "1"}, BUSY), (200, {}, WELL)])
    assert ChatJudgeModel(model(url), name="m").write(ASKED, max_tokens=4).text == "well"
    assert len(asked) == 2
    assert 1.0 <= asked[1]["at"] - asked[0]["at"] < 3


def test_a_wait_that_does_not_fit_is_not_begun(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """A server that asks for an hour, where there are two minutes, is not asked again and not waited for."""
    url, asked = serve([(503, {"Retry-After": "3600"}, BUSY)])
    begun = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"tried 1 time\b"):
        ChatJudgeModel(model(url), name="m").write(ASKED, max_tokens=4)
    assert len(asked) == 1
    assert time.monotonic() - begun < 60


def test_a_call_is_not_cut_short() -> None:
    """The time for all tries keeps another one from beginning, and lets the one that is under way take as long as the
    client lets it."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        time.sleep(0.2)
        if len(calls) == 2:
            raise ModelUnavailable("busy")
        return "whole"

    brief = Retries(attempts=3, timeout=0.05, wait=0.001)
    assert retried(call, brief) == "whole"
    with pytest.raises(ModelUnavailable, match=r"tried 1 time\b"):
        retried(call, brief)


def test_a_critic_asks_again_only_in_its_own_time(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """When it is over nobody waits for it, and a busy server least of all for another call."""
    url, asked = serve([(503, {"Retry-After": "1"}, BUSY), (200, {}, WELL)])

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        ChatJudgeModel(model(url), name="m").write(ASKED, max_tokens=4)
        return []

    with pytest.raises(ModelUnavailable, match=r"tried 1 time\b"):
        within(0.9, critic, Exchange(ASKED, "said"), [])
    assert len(asked) == 1


def test_a_failing_server_is_tried_as_often_as_asked(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Two tries mean two requests: the vendor's own retries are off. The fault says how often it was tried."""
    url, asked = serve([(500, {}, BUSY)])
    with pytest.raises(ModelUnavailable, match=r"\(tried 2 times\)"):
        ChatJudgeModel(model(url), name="m", tries=2).write(ASKED, max_tokens=4)
    assert len(asked) == 2


def test_a_refusal_is_not_retried(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """A wrong key is refused once."""
    url, asked = serve([(401, {}, BUSY)])
    with pytest.raises(ModelRefused, match="api_key"):
        ChatJudgeModel(model(url), name="m").write(ASKED, max_tokens=4)
    assert len(asked) == 1


def test_a_draft_is_retried_before_its_first_piece(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """A stream that does not open is opened again."""
    delta = '"delta": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"'
    said = f'data: {{"id": "1", "choices": [{{"index": 0, {delta}}}]}}\n\n'
    url, asked = serve([(503, {}, BUSY), (200, {}, f"{said}data: [DONE]\n\n")])
    pieces = list(ChatGenerator(model(url), name="m")(DraftRequest(ASKED, seed=1)))
    assert [piece.text for piece in pieces if piece.text] == ["hello"]
    assert len(asked) == 2


def test_a_draft_is_tried_again_only_in_the_time_that_it_has(serve: Serve) -> None:
    """A wait that lasts longer than anybody waits for the draft is not begun."""
    url, asked = serve([(503, {"Retry-After": "30"}, BUSY), (200, {}, WELL)])
    request = DraftRequest(ASKED, seed=1, deadline=time.monotonic() + 25)
    with pytest.raises(ModelUnavailable, match=r"tried 1 time\b"):
        list(ChatGenerator(model(url), name="m")(request))
    assert len(asked) == 1


def test_a_draft_that_nobody_waits_for_is_not_tried_again(serve: Serve) -> None:
    """Whoever hangs up in the wait after a call that failed was the last to have asked."""
    url, asked = serve([(503, {"Retry-After": "2"}, BUSY), (200, {}, WELL)])
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(ModelUnavailable, match=r"busy.*\(tried 1 time\)$"):
        list(ChatGenerator(model(url), name="m")(DraftRequest(ASKED, seed=1, stop=stop)))
    assert len(asked) == 1


def test_a_wait_is_not_begun_for_nobody() -> None:
    """Where whoever asked hung up during the call."""
    gone = threading.Event()

    def call() -> None:
        gone.set()
        raise ModelUnavailable("busy", retry_after=30.0)

    begun = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"tried 1 time\b"):
        retried(call, replace(QUICK, timeout=120.0), left=lambda: 0.0 if gone.is_set() else None)
    assert time.monotonic() - begun < 25


def test_a_silent_server_is_hung_up_on_in_time() -> None:
    """When nobody waits for the draft any more, and not when the client itself would lose patience."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        begun = time.monotonic()
        with pytest.raises(ModelUnavailable):
            list(ChatGenerator(model(url), name="m")(DraftRequest(ASKED, seed=1, deadline=begun + 0.3)))
        assert 0.3 <= time.monotonic() - begun < 3


def test_a_draft_broken_off_is_not_begun_again(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """A connection lost after the first piece is the caller's to know: what was handed out is not written twice."""
    said = 'data: {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}}]}\n\n'
    url, asked = serve([(200, {"Content-Length": "5000", "Connection": "close"}, said)])
    pieces = ChatGenerator(model(url), name="m")(DraftRequest(ASKED, seed=1))
    assert next(pieces).text == "hello"
    with pytest.raises(ModelUnavailable):
        next(pieces)
    assert len(asked) == 1


def test_the_last_fault_is_the_one_raised() -> None:
    """The original fault comes through, cause and all, and not one of the retrying library's."""
    faults = [ModelUnavailable(f"no {number}") for number in range(3)]

    def call() -> str:
        raise faults[call_count.pop(0)]

    call_count = [0, 1, 2]
    with pytest.raises(ModelUnavailable, match=r"no 2 \(tried 3 times\)") as caught:
        retried(call, QUICK)
    assert caught.value is faults[2]


def test_only_what_may_pass_is_retried() -> None:
    """A fault that is not retryable, and an error that is no fault, are raised at the first call."""
    for error in (ModelFault("broken"), RuntimeError("a bug")):
        calls: list[int] = []

        def call(error: Exception = error, calls: list[int] = calls) -> None:
            calls.append(1)
            raise error

        with pytest.raises(type(error)):
            retried(call, QUICK)
        assert len(calls) == 1


def test_a_stream_that_is_closed_closes_what_it_reads() -> None:
    """Closing reaches the inner stream, also between the first item and the second."""
    closed: list[bool] = []

    def numbers() -> Generator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    inner = numbers()  # held here, so that only closing it can end it
    stream = retried_stream(lambda: inner, QUICK)
    assert next(stream) == 0
    assert not closed
    stream.close()
    assert closed

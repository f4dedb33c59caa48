"""Vendors' exceptions become ours: a class, one line, a cure, and no key."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import requests
from langchain_core.language_models import BaseChatModel

from critics import GuardPrompt, Message, Unreadable
from pipeline.drafting import DraftRequest
from pipeline.errors import (
    ContextOverflow,
    ModelBusy,
    ModelFault,
    ModelMissing,
    ModelRefused,
    ModelUnavailable,
    SettingsError,
)
from pipeline.langchain_door import (
    ChatGenerator,
    ChatGuardModel,
    ChatJudgeModel,
    load_chat_model,
    load_embedder,
    translated,
)

KEY = "opaque-Key-0451"


def small(base_url: str | None) -> BaseChatModel:
    return load_chat_model(
        "openai:small", base_url=base_url, api_key=KEY, temperature=0.0, top_p=None, timeout=5.0, context=2048
    )


def judge(base_url: str | None, **options: Any) -> ChatJudgeModel:
    return ChatJudgeModel(small(base_url), name="openai:small", **options)


def drafting(base_url: str | None) -> ChatGenerator:
    return ChatGenerator(small(base_url), name="openai:small", tries=1)


def guarding(base_url: str | None) -> ChatGuardModel:
    return ChatGuardModel(small(base_url), name="openai:small", tries=1)


def fault_of(exc: Exception) -> ModelFault:
    with pytest.raises(ModelFault) as caught, translated("some:model"):
        raise exc
    assert caught.value.__cause__ is exc
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRefused),
        (401, ModelRefused),
        (403, ModelRefused),
        (404, ModelMissing),
        (408, ModelBusy),
        (409, ModelBusy),
        (413, ModelRefused),
        (422, ModelRefused),
        (425, ModelBusy),
        (429, ModelBusy),
        (500, ModelUnavailable),
        (502, ModelUnavailable),
        (503, ModelUnavailable),
        (504, ModelUnavailable),
    ],
)
def test_every_status_has_its_class(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]], status: int, kind: type[ModelFault]
) -> None:
    """A real answer of each status becomes its class, in one line that names the model, its server and the status."""
    url, _ = serve([(status, {}, {"error": {"message": "so\nit is"}})])
    with pytest.raises(ModelFault) as caught:
        judge(url, tries=1).write([Message("user", "hi")], max_tokens=1)
    assert type(caught.value) is kind
    for part in ("openai:small", url, str(status)):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_no_key_is_repeated(serve: Callable[..., tuple[str, list[dict[str, Any]]]], status: int) -> None:
    """Keys that a server repeats, ours or any that looks like one, do not get into the text."""
    words = f"bad key {KEY}, or sk-abcdef1234567890, or Authorization: Bearer abcdef, through http://me:sesame@proxy"
    url, _ = serve([(status, {}, {"error": {"message": words}})])
    with pytest.raises(ModelFault) as caught:
        judge(url, tries=1).write([Message("user", "hi")], max_tokens=1)
    for secret in (KEY, "sk-abcdef", "Bearer abcdef", "sesame"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("by_variable", [False, True])
@pytest.mark.parametrize(
    "ask",
    [
        lambda url: judge(url, tries=1).write([Message("user", "hi")], max_tokens=1),
        lambda url: judge(url, tries=1).choose([[Message("user", "hi")]], ["yes", "no"]),
        lambda url: list(drafting(url)(DraftRequest((Message("user", "hi"),), seed=1))),
        lambda url: guarding(url).read([GuardPrompt((Message("user", "hi"),))], ["yes", "no"]),
        lambda url: load_embedder("openai:small", base_url=url, api_key=KEY, timeout=5.0, tries=1)(["hi"]),
    ],
    ids=["writing", "choosing", "drafting", "guarding", "embeddings"],
)
def test_nothing_that_is_secret_in_an_address_is_repeated(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]],
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[str | None], object],
    by_variable: bool,
) -> None:
    """A server may say at what it was asked, and with which password; also where only a variable has its address."""
    sent = b64encode(b"bob:hunter2").decode()
    url, _ = serve([(500, {}, {"error": {"message": f"no code=hunter3 for hunter2 ({sent})"}})])
    url = url.replace("//", "//bob:hunter2@") + "?code=hunter3"
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ModelUnavailable, match=r"no code=\*\*\* for \*\*\* \(\*\*\*\)"):
        ask(None if by_variable else url)


def test_a_prompt_that_is_too_long_is_told_apart(upstream: str) -> None:
    """What a real server says of a prompt beyond its context is `ContextOverflow`, and not just a refusal."""
    with pytest.raises(ContextOverflow, match="2048"):
        judge(upstream).write([Message("user", "word " * 3000)], max_tokens=1)


def test_nobody_listening_is_unavailable() -> None:
    """A refused connection is `ModelUnavailable`, tried as often as was asked for, and says both."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(ModelUnavailable, match=r"refused.*\(tried 2 times\)"):
            judge(url, tries=2).write([Message("user", "hi")], max_tokens=1)


@pytest.mark.parametrize(
    "exc",
    [
        ConnectionResetError("reset"),
        TimeoutError("late"),
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLError("bad certificate"),
        OSError(113, "No route to host"),
        httpx.ConnectTimeout("late"),
        httpx.RemoteProtocolError("broken off"),
        requests.ConnectionError("no"),
        requests.Timeout("late"),
    ],
    ids=lambda exc: f"{type(exc).__module__}.{type(exc).__name__}",
)
def test_a_lost_connection_is_unavailable(exc: Exception) -> None:
    """However a client reports that the server is out of reach, asking again may help."""
    assert type(fault_of(exc)) is ModelUnavailable


def test_a_connection_lost_inside_another_error_is_found() -> None:
    """Clients wrap what happened; what they raised it from counts, and its words are the ones shown."""
    wrapper = RuntimeError("Connection error.")
    wrapper.__cause__ = httpx.ConnectError("[Errno 111] Connection refused")
    assert "Errno 111" in str(fault_of(wrapper))
    assert fault_of(wrapper).retryable


@pytest.mark.parametrize("exc", [FileNotFoundError("ca.pem"), KeyError("choices"), ZeroDivisionError("no")])
def test_anything_else_is_a_fault_with_its_name(exc: Exception) -> None:
    """What we do not know is not retried, and keeps its class's name in the text."""
    fault = fault_of(exc)
    assert type(fault) is ModelFault
    assert type(exc).__name__ in str(fault)


@pytest.mark.parametrize("ours", [SettingsError("x"), ModelUnavailable("y", retry_after=3), Unreadable("z")])
def test_our_own_errors_pass(ours: Exception) -> None:
    """An error that is ours already comes out as the same object."""
    with pytest.raises(type(ours)) as caught, translated("some:model"):
        raise ours
    assert caught.value is ours


def refused_for(value: str) -> float | None:
    response = httpx.Response(429, headers={"Retry-After": value}, request=httpx.Request("POST", "http://x"))
    fault = fault_of(httpx.HTTPStatusError("busy", request=response.request, response=response))
    assert isinstance(fault, ModelUnavailable)
    return fault.retry_after


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    """Both forms of the header become seconds from now; a date in the past asks for none."""
    assert refused_for("2.5") == 2.5
    ahead = refused_for(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert ahead is not None
    assert 85 < ahead <= 90
    assert refused_for("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@pytest.mark.parametrize("value", ["soon", "nan", "inf", ""])
def test_a_retry_after_that_is_nonsense_asks_nothing(value: str) -> None:
    """Nonsense in the header is as if it were not there."""
    assert refused_for(value) is None

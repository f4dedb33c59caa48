"""Clients that people have: each is pointed at a running server and nothing else of it is changed."""

from __future__ import annotations

import asyncio
import functools
import json
import operator
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from critics import Message, ScriptedCritic, ToolCall
from pipeline import Pipeline, ScriptedGenerator
from pipeline.langchain_door import ChatGenerator, load_chat_model
from pipeline.server import Key, new_key
from tests.pipeline.server.serving import REFUSAL, app_of, manifesto, opinion, running, scripted

MODEL = "superego/polite"
ASKED: list[Any] = [{"role": "user", "content": "Hello?"}]
KEY, DIGEST = new_key()


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A server with a key whose drafts are rude at first."""
    drafts = "You rude thing.", *["Good day."] * 50
    with running(app_of(scripted(*drafts), keys=(Key("tests", DIGEST),))) as address:
        yield address + "/v1"


@pytest.fixture(scope="module")
def tools() -> Iterator[str]:
    """A server in front of another, whose drafts call a tool: rudely at first, and then again."""
    calls = [Message("assistant", "", (ToolCall("mail", json.dumps({"to": to})),)) for to in ("rude Ana", "Ana")]
    behind = Pipeline(manifesto(name="plain"), ScriptedCritic(lambda text, rule: 0.0), ScriptedGenerator(calls * 20))
    with running(app_of(behind)) as upstream:
        model = load_chat_model(
            "openai:superego/plain", base_url=f"{upstream}/v1", api_key=None, temperature=0.5, top_p=None, timeout=20,
            context=0,
        )  # fmt: skip
        drafts = ChatGenerator(model, name="behind", tries=1)
        with running(app_of(Pipeline(manifesto(), ScriptedCritic(opinion), drafts))) as address:
            yield address + "/v1"


@pytest.fixture
def caller(tools: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=tools, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def client(base: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
        yield client


def test_openais_client(client: openai.OpenAI) -> None:
    """Models, an answer, and what is told beside it."""
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    answer = client.chat.completions.create(model=MODEL, messages=ASKED)
    assert answer.choices[0].message.content == "Good day."
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert answer.model_extra is not None
    assert answer.model_extra["superego"]["status"] == "released"


def test_openais_client_reads_a_stream(client: openai.OpenAI) -> None:
    """With its usage at the end."""
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Good day."
    assert chunks[-1].usage is not None


def test_openais_helper_for_streams_takes_it(client: openai.OpenAI) -> None:
    """It puts chunks together again, and is strict."""
    with client.chat.completions.stream(model=MODEL, messages=ASKED) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    assert (final.choices[0].message.content, final.choices[0].finish_reason) == ("Good day.", "stop")


MAIL: Any = {
    "type": "function",
    "function": {"name": "mail", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}},
}


def test_openais_client_calls_tools(caller: openai.OpenAI) -> None:
    """Those of an upstream, once they have passed; and it goes on with what they gave."""
    asked: Any = {"model": MODEL, "tools": [MAIL]}
    (choice,) = caller.chat.completions.create(messages=ASKED, **asked).choices
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("mail", {"to": "Ana"})
    gave = {"role": "tool", "tool_call_id": call.id, "content": "Sent."}
    turns: Any = [*ASKED, choice.message, gave]
    again = caller.chat.completions.create(messages=turns, **asked)
    assert again.choices[0].finish_reason == "tool_calls"


def test_openais_client_reads_calls_from_a_stream(caller: openai.OpenAI) -> None:
    """Chunk by chunk, and by its helper, which puts them together again and is strict."""
    chunks = list(caller.chat.completions.create(model=MODEL, messages=ASKED, tools=[MAIL], stream=True))
    parts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [part.function.arguments for part in parts if part.function] == ['{"to": "Ana"}']
    with caller.chat.completions.stream(model=MODEL, messages=ASKED, tools=[MAIL]) as stream:
        stream.until_done()
        (choice,) = stream.get_final_completion().choices
    assert choice.finish_reason == "tool_calls"
    assert [call.function.name for call in choice.message.tool_calls or ()] == ["mail"]


def test_langchains_client_calls_tools(tools: str) -> None:
    """Invoked and streamed."""
    chat = ChatOpenAI(base_url=tools, api_key="none", model=MODEL, max_retries=0).bind_tools([MAIL])
    answer = chat.invoke("Write to Ana.")
    assert isinstance(answer, AIMessage)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("mail", {"to": "Ana"})]
    whole = functools.reduce(operator.add, chat.stream("Write to Ana."))
    assert [call["args"] for call in whole.tool_calls] == [{"to": "Ana"}]


class Greeting(BaseModel):
    text: str


def test_openais_client_parses_a_form() -> None:
    """Its helper makes a schema of a class, and the class of the answer, streamed and not."""
    with (
        running(app_of(scripted('{"text": "rude"}', '{"text": "Good day."}'))) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        answer = client.chat.completions.parse(model=MODEL, messages=ASKED, response_format=Greeting)
        with client.chat.completions.stream(model=MODEL, messages=ASKED, response_format=Greeting) as stream:
            stream.until_done()
            streamed = stream.get_final_completion()
        response = client.responses.parse(model=MODEL, input="Hello?", text_format=Greeting)
    for whole in (answer, streamed):
        assert whole.choices[0].message.parsed == Greeting(text="Good day.")
    assert response.output_parsed == Greeting(text="Good day.")


def test_openais_asynchronous_client(base: str) -> None:
    """Several at once, streamed and not."""

    async def ask() -> tuple[list[str | None], str]:
        async with openai.AsyncOpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
            asked = [client.chat.completions.create(model=MODEL, messages=ASKED) for _ in range(4)]
            answers = await asyncio.gather(*asked)
            stream = await client.chat.completions.create(model=MODEL, messages=ASKED, stream=True)
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return [answer.choices[0].message.content for answer in answers], "".join(parts)

    assert asyncio.run(ask()) == (["Good day."] * 4, "Good day.")


def test_openais_moderations(client: openai.OpenAI) -> None:
    """Its own model's name, the manifesto's rules."""
    (one, other) = client.moderations.create(input=["Good day.", "A bomb."], model="omni-moderation-latest").results
    assert (one.flagged, other.flagged) == (False, True)
    assert other.categories.model_dump()["no-bombs"] is True


def test_openais_responses(client: openai.OpenAI) -> None:
    """In one piece, and as events that its helper puts together."""
    assert client.responses.create(model=MODEL, input="Hello?").output_text == "Good day."
    with client.responses.stream(model=MODEL, input="Hello?") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "Good day."
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


def test_openais_client_knows_the_faults(base: str, client: openai.OpenAI) -> None:
    """By their classes."""
    with (
        openai.OpenAI(base_url=base, api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="gpt-4o", messages=ASKED)
    with pytest.raises(openai.BadRequestError, match="logprobs"):
        client.chat.completions.create(model=MODEL, messages=ASKED, logprobs=True)


def test_langchains_client(base: str) -> None:
    """An answer, a stream, and a refusal that says what it is."""
    chat = ChatOpenAI(base_url=base, api_key=KEY, model=MODEL, max_retries=0)
    answer = chat.invoke("Hello?")
    assert (answer.content, answer.response_metadata["finish_reason"]) == ("Good day.", "stop")
    assert "".join(str(part.content) for part in chat.stream("Hello?")) == "Good day."
    refused = chat.invoke("A bomb?")
    assert (refused.content, refused.response_metadata["finish_reason"]) == (REFUSAL, "content_filter")


@pytest.mark.skipif(not shutil.which("curl") and "CI" not in os.environ, reason="curl is not installed")
def test_curl(base: str) -> None:
    """As the guide shows it."""
    command = [
        "curl", "-sN", f"{base}/chat/completions", "-H", f"Authorization: Bearer {KEY}",
        "-H", "Content-Type: application/json",
    ]  # fmt: skip
    body: dict[str, Any] = {"model": MODEL, "messages": ASKED}
    whole = subprocess.run([*command, "-d", json.dumps(body)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(whole.stdout)["choices"][0]["message"]["content"] == "Good day."
    body["stream"] = True
    parts = subprocess.run([*command, "-d", json.dumps(body)], capture_output=True, text=True, timeout=60, check=True)
    assert parts.stdout.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
def test_the_llm_command_line(base: str, tmp_path: Path, flags: list[str]) -> None:
    """The server is an extra model of OpenAI's kind to it."""
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: conscience\n  model_name: {MODEL}\n  api_base: {base}\n  api_key_name: superego\n"
    )
    told = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "conscience", "--key", KEY, "--no-log", *flags, "Hello?"],
        env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (told.returncode, told.stdout.strip()) == (0, "Good day."), told.stderr

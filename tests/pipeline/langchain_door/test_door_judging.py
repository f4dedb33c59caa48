"""A chat model behind a judge: read from a real llama.cpp server, and from one that says its lines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import validate

from critics import Message, NoLogProbabilities, Unreadable, Usage
from pipeline.errors import ModelRefused
from pipeline.langchain_door import ChatJudgeModel, load_chat_model

ASKED = (Message("user", "Is the sky blue? Answer with yes or no."),)
SCHEMA = {
    "type": "object",
    "properties": {"broken": {"type": "boolean"}, "rule": {"enum": ["honest", "harmless"]}},
    "required": ["broken", "rule"],
    "additionalProperties": False,
}
REFUSED: tuple[int, dict[str, str], object] = (400, {}, {"error": {"message": "no such parameter"}})


def judge(base_url: str, **options: Any) -> ChatJudgeModel:
    model = load_chat_model(
        "openai:small", base_url=base_url, api_key=None, temperature=0.8, top_p=None, timeout=30.0, context=2048
    )
    return ChatJudgeModel(model, name="openai:small", **options)


def reply(content: str = "yes", **choice: Any) -> tuple[int, dict[str, str], object]:
    usage = {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}
    choices = [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop", **choice}]
    return 200, {}, {"id": "1", "choices": choices, "usage": usage}


def likely(*words: tuple[str, float]) -> tuple[int, dict[str, str], object]:
    top = [{"token": word, "logprob": value, "bytes": None} for word, value in words]
    return reply(logprobs={"content": [{"token": "yes", "logprob": -1.0, "bytes": None, "top_logprobs": top}]})


def test_a_real_server_is_read(upstream: str) -> None:
    """Each prompt gives each choice a mass in [0, 1], some of it above nothing, and counts what was read."""
    readings = judge(upstream).choose([ASKED, [Message("user", "Are fish blue, yes or no?")]], ["yes", "no"])
    assert len(readings) == 2
    for reading in readings:
        assert set(reading.mass) == {"yes", "no"}
        assert all(0.0 <= mass <= 1.0 for mass in reading.mass.values())
        assert 0.0 < sum(reading.mass.values()) <= 1.0 + 1e-6
        assert reading.usage.prompt_tokens > 10
        assert reading.usage.completion_tokens == 1


def test_a_reading_repeats(upstream: str) -> None:
    """The temperature that the model was loaded with has no part in a reading."""
    model = judge(upstream)
    model.choose([ASKED], ["yes", "no"])  # so that both of the next two find the prompt in the server's cache
    first, second = model.choose([ASKED, ASKED], ["yes", "no"])
    assert first.mass == pytest.approx(second.mass, abs=1e-6)


def test_a_real_server_writes_what_fits_the_schema(upstream: str) -> None:
    """A server that knows no json_schema is asked in its own way, and the answer is JSON that fits."""
    written = judge(upstream).write(ASKED, max_tokens=60, schema=SCHEMA)
    validate(json.loads(written.text), SCHEMA)
    assert written.usage.completion_tokens > 3


def test_a_count_is_not_below_the_servers(upstream: str) -> None:
    """The estimate of a prompt's tokens is from above, for prose, digits, signs and other scripts."""
    model = judge(upstream)
    texts = (
        "The quick brown fox jumps over the lazy dog. ",
        "1234567890",
        "{}[]();=<>!?",
        "наука и жизнь",
        "海の生き物🐙",
    )
    for text in texts:
        prompt = [Message("user", text * 5)]
        assert model.count(prompt) >= model.write(prompt, max_tokens=1).usage.prompt_tokens - 25  # its own system turn


def test_one_word_is_asked_for_with_its_rivals(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """A reading asks for one greedy token and the twenty likeliest, and costs what the server counted."""
    url, asked = serve([likely(("yes", -0.5), ("No", -1.5))])
    (reading,) = judge(url).choose([ASKED], ["yes", "no"])
    assert reading.mass == pytest.approx({"yes": math.exp(-0.5), "no": math.exp(-1.5)})
    assert reading.usage == Usage(12, 1)
    wanted = {"logprobs": True, "top_logprobs": 20, "max_tokens": 1, "temperature": 0.0}
    assert {key: asked[0].get(key) for key in wanted} == wanted


def test_a_server_that_gives_five_is_asked_for_five(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Twenty refused, five are asked for, and from then on at once."""
    url, asked = serve([REFUSED, likely(("yes", -0.5))])
    judge(url).choose([ASKED, ASKED], ["yes", "no"])
    assert [request["top_logprobs"] for request in asked] == [20, 5, 5]


def test_a_server_without_log_probabilities_is_not_asked_twice(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]],
) -> None:
    """An answer without them is `NoLogProbabilities`, and the next call says so without a request."""
    url, asked = serve([reply()])
    model = judge(url)
    for _ in range(2):
        with pytest.raises(NoLogProbabilities, match="openai:small"):
            model.choose([ASKED], ["yes", "no"])
    assert len(asked) == 1


@pytest.mark.parametrize("refusal", [REFUSED, (500, {}, {"error": {"message": "logprobs is not supported"}})])
def test_a_server_that_refuses_the_parameter_has_none(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]], refusal: Any
) -> None:
    """Refusing log probabilities, where the same prompt is taken without, means that there are none; also by a 500."""
    url, asked = serve([refusal, refusal, reply()])
    model = judge(url)
    for _ in range(2):
        with pytest.raises(NoLogProbabilities):
            model.choose([ASKED], ["yes", "no"])
    assert ["logprobs" in request for request in asked] == [True, True, False]


def test_a_prompt_refused_either_way_says_nothing_of_the_parameter(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]],
) -> None:
    """One prompt that is refused with and without the parameter is a refusal, and the next one is read."""
    url, _ = serve([REFUSED, REFUSED, REFUSED, likely(("yes", -0.5))])
    model = judge(url)
    with pytest.raises(ModelRefused, match="no such parameter"):
        model.choose([ASKED], ["yes", "no"])
    assert model.choose([ASKED], ["yes", "no"])[0].mass["yes"] > 0.5


def test_a_wrong_key_is_refused_at_the_first_request(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Who asks is not a matter of how it is asked: no other way is tried, of reading or of writing."""
    url, asked = serve([(401, {}, {})])
    with pytest.raises(ModelRefused, match="api_key"):
        judge(url).choose([ASKED], ["yes", "no"])
    with pytest.raises(ModelRefused, match="api_key"):
        judge(url).write(ASKED, max_tokens=8, schema=SCHEMA)
    assert len(asked) == 2


@pytest.mark.parametrize("words", [[("yes", math.nan)], [("yes", 2.0)], [("yes", -1.0), ("yes", -1.0)]])
def test_nonsense_from_a_server_is_unreadable(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]], words: list[tuple[str, float]]
) -> None:
    """NaN, above certainty, and the same word twice arrive as `Unreadable`, and are no reason to stop reading."""
    url, _ = serve([likely(*words), likely(("yes", -0.5))])
    model = judge(url)
    with pytest.raises(Unreadable):
        model.choose([ASKED], ["yes", "no"])
    assert model.choose([ASKED], ["yes", "no"])


def test_the_way_that_a_server_takes_a_schema_is_remembered(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]],
) -> None:
    """The strictest form comes first, then llama.cpp's, then none; the one that was taken is used at once next time."""
    url, asked = serve([REFUSED, REFUSED, reply("{}")])
    model = judge(url)
    for _ in range(2):
        assert model.write(ASKED, max_tokens=8, schema=SCHEMA).text == "{}"
    forms = [request.get("response_format") for request in asked]
    assert forms[0] == {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
    assert forms[1:] == [{"type": "json_object", "schema": SCHEMA}, None, None]
    assert all(request["temperature"] == 0.0 and request["max_tokens"] == 8 for request in asked)


def test_a_prompt_refused_in_every_way_leaves_the_schema_strict(
    serve: Callable[..., tuple[str, list[dict[str, Any]]]],
) -> None:
    """A refusal that the schema has no part in is raised, and does not loosen the next answer."""
    url, asked = serve([REFUSED, REFUSED, REFUSED, reply("{}")])
    model = judge(url)
    with pytest.raises(ModelRefused):
        model.write(ASKED, max_tokens=8, schema=SCHEMA)
    model.write(ASKED, max_tokens=8, schema=SCHEMA)
    assert asked[-1]["response_format"]["type"] == "json_schema"


def test_an_answer_cut_short_is_still_handed_over(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Half an answer comes back with its cost; reading it is the judge's business, and no fault of the model."""
    url, _ = serve([reply('{"broken": tr', finish_reason="length")])
    written = judge(url).write(ASKED, max_tokens=8, schema=SCHEMA)
    assert (written.text, written.usage) == ('{"broken": tr', Usage(12, 1))

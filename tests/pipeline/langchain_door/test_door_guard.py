"""A guard model behind a server: a real llama.cpp server, and one that says its lines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import critics
from critics import GUARD_FAMILIES, Exchange, GuardCritic, GuardPrompt, Message, Rule
from pipeline import ModelRefused, SettingsError, assemble, load_settings
from pipeline.langchain_door import ChatGuardModel, load_chat_model

ASKED = Exchange((Message("user", "Hello."),), "Good day.")
Serve = Callable[[Sequence[Any]], tuple[str, list[dict[str, Any]]]]
REFUSED: Any = (400, {}, {"error": {"message": "top_logprobs is too high"}})


def rule(name: str, **guard: object) -> Rule:
    given = {"id": name, "statement": "It is kind.", "critics": ["guard"], "guard": guard}
    return Rule.model_validate_json(json.dumps(given))


def guard(base_url: str, name: str = "openai:small") -> ChatGuardModel:
    model = load_chat_model(
        name, base_url=base_url, api_key=None, temperature=0.8, top_p=None, timeout=30.0, context=2048
    )
    return ChatGuardModel(model, name=name)


def wrote(*tokens: str, likely: dict[int, dict[str, float]] | None = None, **choice: Any) -> Any:
    """A reply of these tokens; in some places with the probabilities of the likeliest ones."""
    content = [
        {
            "token": token,
            "logprob": -0.1,
            "bytes": None,
            "top_logprobs": [
                {"token": word, "logprob": math.log(share), "bytes": None}
                for word, share in (likely or {}).get(place, {token: 0.9}).items()
            ],
        }
        for place, token in enumerate(tokens)
    ]
    choices = [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(tokens)},
            "finish_reason": "stop",
            "logprobs": {"content": content} if likely is not None else None,
            **choice,
        }
    ]
    usage = {"prompt_tokens": 12, "completion_tokens": len(tokens), "total_tokens": 12 + len(tokens)}
    return 200, {}, {"id": "1", "choices": choices, "usage": usage}


def findings(base_url: str, family: str, *rules: Rule) -> list[float | None]:
    critic = GuardCritic(guard(base_url), GUARD_FAMILIES[family], rules=rules)
    return [finding.probability for finding in critic(ASKED, rules)]


def test_a_server_is_sent_the_bare_messages_and_the_templates_variables(serve: Serve) -> None:
    """In the request's body, where llama-server and vLLM look for them."""
    url, asked = serve([wrote("\n\n", "safe", likely={1: {"safe": 0.7, "un": 0.2, "Safe": 0.1}})])
    assert findings(url, "llama-guard", rule("a", codes=["S1"])) == [pytest.approx(0.2)]
    assert [message["content"] for message in asked[0]["messages"]] == ["Hello.", "Good day."]
    assert "S2" in asked[0]["chat_template_kwargs"]["excluded_category_keys"]
    assert asked[0]["temperature"] == 0.0
    assert asked[0]["max_tokens"] == 64


def test_the_probability_is_read_where_the_verdict_stands(serve: Serve) -> None:
    """Not at the first token, and in the answer that is shown, after reasoning that is not."""
    tokens = ("Un", "safe", "?", " ", "Safety", ":", " Unsafe", "\n", "Categories: Violent")
    reply = wrote(*tokens, likely={6: {" Unsafe": 0.5, " Safe": 0.25, " Contro": 0.25}})
    reply[2]["choices"][0]["message"]["content"] = "".join(tokens[4:])
    url, _ = serve([reply])
    strict, lenient = rule("a", codes=["Violent"]), rule("b", codes=["Violent"], controversial=False)
    assert findings(url, "qwen3guard", strict, lenient) == [pytest.approx(0.75), pytest.approx(0.5)]


def test_the_first_word_is_read_in_a_call_a_rule(serve: Serve) -> None:
    """One token each, under the rule's own guideline."""
    replies = [wrote(word, likely={0: {word: 0.8, other: 0.1}}) for word, other in (("No", " Yes"), ("Yes", "No"))]
    url, asked = serve(replies)
    found = findings(url, "shieldgemma", rule("a"), rule("b", criterion="No cats."))
    assert found == [pytest.approx(1 / 9), pytest.approx(8 / 9)]
    assert [request["chat_template_kwargs"] for request in asked] == [
        {"guideline": "It is kind."},
        {"guideline": "No cats."},
    ]
    assert {request["max_tokens"] for request in asked} == {1}


def test_without_probabilities_the_written_verdict_counts(serve: Serve) -> None:
    """A server that refuses the parameter is asked for less, and for none in the end; that is remembered."""
    url, asked = serve([REFUSED, REFUSED, wrote("unsafe\nS1"), wrote("safe")])
    model = guard(url)
    critic = GuardCritic(model, GUARD_FAMILIES["llama-guard"])
    assert [critic(ASKED, [rule("a")])[0].probability for _ in range(2)] == [1.0, 0.0]
    assert [request.get("top_logprobs") for request in asked] == [20, 5, None, None]


@pytest.mark.parametrize(
    "reply",
    [
        wrote("unsafe\nS1", finish_reason="length"),
        wrote(""),
        wrote("I cannot say."),
        wrote("safe", likely={0: {"unsafe": 0.9, "safe": 0.1}}),
    ],
)
def test_what_cannot_be_read_is_undecided(serve: Serve, reply: Any) -> None:
    """Cut short, empty, no verdict, or contradicted by its own probabilities."""
    url, _ = serve([reply])
    assert findings(url, "llama-guard", rule("a")) == [None]


def test_odd_probabilities_give_way_to_the_written_word(serve: Serve) -> None:
    """Tokens that are not the answer's, or shares of more than certain."""
    other = wrote("safe", likely={0: {"safe": 0.9}})
    other[2]["choices"][0]["logprobs"]["content"][0]["token"] = "elsewhere"
    more = wrote("safe", likely={0: {"safe": 0.9}})
    more[2]["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["logprob"] = 3.0
    for reply in (other, more):
        url, _ = serve([reply])
        assert findings(url, "llama-guard", rule("a")) == [0.0]


def test_a_refusal_of_something_else_is_a_fault(serve: Serve) -> None:
    """It is not about log probabilities, so there is nothing to fall back to."""
    url, _ = serve([(401, {}, {"error": {"message": "no"}})])
    with pytest.raises(ModelRefused, match="key"):
        findings(url, "llama-guard", rule("a"))


def test_a_model_that_takes_no_variables_is_refused() -> None:
    """OpenAI's own service and models in this process by way of LangChain render no template with variables."""
    with pytest.raises(SettingsError, match="base_url of llama-server or vLLM"):
        guard("https://api.openai.com/v1")


def test_settings_lead_to_the_server(serve: Serve) -> None:
    """By the model's name, from which the family is told; a template is not for servers."""
    url, asked = serve([wrote("Harmful request: no\nResponse refusal: no\nHarmful response: yes", likely={})])
    flags: dict[str, Any] = {"guard": {"model": "openai:allenai/wildguard", "base_url": url}}
    manifesto = _manifesto(rule("a"))
    verdict = assemble(manifesto, load_settings(flags=flags), drafts=False).judge("Hello.", "Good day.")
    assert verdict.judgements[0].probability == 1.0
    assert asked[0]["model"] == "allenai/wildguard"
    flags["guard"]["template"] = "a.jinja"
    with pytest.raises(SettingsError, match="for GGUF files"):
        assemble(manifesto, load_settings(flags=flags), drafts=False)
    with pytest.raises(SettingsError, match=r"cannot be told from its name: set `guard\.family`"):
        assemble(manifesto, load_settings(flags={"guard": {"model": "openai:any", "base_url": url}}), drafts=False)


def test_a_real_server_answers(upstream: str) -> None:
    """An untrained model gives no verdict that counts, but every part of its answer arrives."""
    model = guard(upstream)
    prompt = GuardPrompt((Message("user", "Say the word safe."),), {"excluded_category_keys": ["S1"]})
    (answer,) = model.write([prompt], ("unsafe", "safe"), lambda text: 0 if text else None, max_tokens=6)
    assert answer.text
    assert answer.usage.completion_tokens > 0
    assert answer.mass is not None
    (first,) = model.read([prompt], ("yes", "no"))
    assert first.text == ""
    assert first.mass is not None
    assert (list(answer.mass), list(first.mass)) == (["unsafe", "safe"], ["yes", "no"])
    for mass in (answer.mass, first.mass):
        assert all(0 <= share <= 1 for share in mass.values())
        assert sum(mass.values()) <= 1 + 1e-6


def _manifesto(*rules: Rule) -> Any:
    return critics.Manifesto(name="m", version="1", rules=rules)

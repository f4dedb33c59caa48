"""Drafts, streamed from a real llama.cpp server and from one that says its lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from critics import Message, Usage
from pipeline.drafting import DraftOptions, DraftRequest, Piece
from pipeline.errors import ModelFault, ModelRefused, ModelUnavailable
from pipeline.langchain_door import ChatGenerator, load_chat_model

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]

ASKED = (Message("system", "You are brief."), Message("user", "Name three animals that live in the sea."))


def generator(base_url: str, **options: Any) -> ChatGenerator:
    model = load_chat_model(
        "openai:small", base_url=base_url, api_key=None, temperature=0.9, top_p=0.95, timeout=30.0, context=2048
    )
    return ChatGenerator(model, name="openai:small", **options)


def text(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def events(*deltas: str, finish: str | None = "stop", usage: dict[str, int] | None = None) -> str:
    """Server-sent events as OpenAI's API sends them."""
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": {"role": "assistant", "content": ""}}]]
    choices += [[{"index": 0, "delta": {"content": delta}, "finish_reason": None}] for delta in deltas]
    choices += [[{"index": 0, "delta": {}, "finish_reason": finish}]] if finish else []
    chunks: list[dict[str, Any]] = [{"id": "1", "choices": choice} for choice in choices]
    chunks += [{"id": "1", "choices": [], "usage": usage}] if usage else []
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def test_a_draft_comes_in_pieces_and_ends_with_a_reason(upstream: str) -> None:
    """A real server's draft arrives piece by piece, and only the last piece says why it ended."""
    pieces = list(generator(upstream)(DraftRequest(ASKED, seed=1, max_tokens=40)))
    assert len(pieces) > 5
    assert text(pieces).strip()
    assert [piece.finish for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish in ("stop", "length")


def test_a_seed_repeats_a_draft(upstream: str) -> None:
    """The seed reaches the server: the same one gives the same draft, another one another."""
    drafts = generator(upstream)
    first, again, other = (text(drafts(DraftRequest(ASKED, seed=seed, max_tokens=24))) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_max_tokens_bounds_a_draft(upstream: str) -> None:
    """A server that knows only the old name of the bound obeys it too, and the draft says that it was cut."""
    pieces = list(generator(upstream)(DraftRequest(ASKED, seed=1, max_tokens=5)))
    assert pieces[-1].finish == "length"
    assert 1 <= sum(bool(piece.text) for piece in pieces) <= 5


def test_the_generators_own_bound_holds_where_the_request_has_none(upstream: str) -> None:
    """`max_tokens` of the generator bounds a request that leaves it open."""
    pieces = list(generator(upstream, max_tokens=3)(DraftRequest(ASKED, seed=1)))
    assert pieces[-1].finish == "length"
    assert sum(bool(piece.text) for piece in pieces) <= 3


def test_closing_early_leaves_the_server_free(upstream: str) -> None:
    """After a draft is closed at its first piece, a real server takes the next one at once."""
    drafts = generator(upstream)
    pieces = drafts(DraftRequest(ASKED, seed=1))
    assert next(pieces).text
    pieces.close()
    assert text(drafts(DraftRequest(ASKED, seed=1, max_tokens=4)))


def test_closing_early_hangs_up(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Closing the draft closes the connection: a server that would write for ever notices."""
    url, asked = serve([(200, {}, None)])
    pieces = generator(url)(DraftRequest(ASKED, seed=1))
    assert next(pieces).text == "and "
    assert not asked[0]["gone"].is_set()
    pieces.close()
    assert asked[0]["gone"].wait(5)


def test_the_servers_count_is_what_a_draft_costs(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """The pieces' usage adds up to what the server counted, asked for with the stream."""
    counted = {"prompt_tokens": 31, "completion_tokens": 2, "total_tokens": 33}
    url, asked = serve([(200, {}, events("whale", " and seal", usage=counted))])
    pieces = list(generator(url)(DraftRequest(ASKED, seed=1)))
    assert sum((piece.usage for piece in pieces), Usage()) == Usage(31, 2)
    assert asked[0]["stream_options"] == {"include_usage": True}
    assert pieces[-1].finish == "stop"


def test_the_options_of_a_call_reach_the_server(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """In OpenAI's words, in the place of the model's own; and a server that writes past a stop string is cut off."""
    url, asked = serve([(200, {}, events("whale, ", "seal, ", "squid"))])
    options = DraftOptions(max_tokens=7, stop=("l, s",), temperature=0.25, top_p=0.5)
    pieces = list(generator(url)(DraftRequest(ASKED, seed=1, max_tokens=90, options=options)))
    assert (text(pieces), pieces[-1].finish) == ("whale, sea", "stop")
    body = asked[0]
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (7, 0.25, 0.5)
    assert body["stop"] == ["l, s"]


def test_a_draft_cut_short_is_accounted_for(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Where the server has not counted yet, each piece carries an estimate, and the first one the prompt's too."""
    url, _ = serve([(200, {}, events("jellyfish", " or"))])
    pieces = generator(url)(DraftRequest(ASKED, seed=1))
    first, second = next(pieces), next(pieces)
    pieces.close()
    assert first.usage.prompt_tokens > len(ASKED[1].content) // 4
    assert first.usage.completion_tokens == 3
    assert second.usage == Usage(0, 1)


def test_an_empty_draft_is_no_fault(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """Where the server says that it has ended."""
    url, _ = serve([(200, {}, events())])
    assert [(piece.text, piece.finish) for piece in generator(url)(DraftRequest(ASKED, seed=1))] == [
        ("", None),
        ("", None),
        ("", "stop"),
    ]


@pytest.mark.parametrize(
    ("reply", "fault", "said"),
    [
        (events("The dose is 5 mg, but never", finish=None), ModelUnavailable, "broke off before the end"),
        ("data: [DONE]\n\n", ModelUnavailable, "gave nothing that is an answer"),
        ("<html>Sign in</html>", ModelUnavailable, "nothing that is an answer: check that base_url"),
        (events("To make it, take", finish="content_filter"), ModelFault, "did not finish its answer: content_filter"),
    ],
)
def test_half_an_answer_is_none(serve: Serve, reply: str, fault: type[ModelFault], said: str) -> None:
    """A stream that breaks off, a page in the place of one, a filter on the other side: an outage is no draft."""
    url, _ = serve([(200, {}, reply)])
    with pytest.raises(fault, match=said):
        list(generator(url, tries=1)(DraftRequest(ASKED, seed=1)))


def responses(status: str, why: dict[str, str] | None = None) -> str:
    """Server-sent events as OpenAI's Responses API sends them; without a status they break off."""
    whole = {"id": "1", "object": "response", "created_at": 1, "model": "m", "output": [], "status": status}
    told: list[dict[str, Any]] = [
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": "5 mg"},
    ]
    told += [{"type": f"response.{status}", "response": {**whole, "incomplete_details": why}}] if status else []
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': place})}\n\n"
        for place, event in enumerate(told)
    )


def through_responses(base_url: str) -> ChatGenerator:
    model = ChatOpenAI(model="m", base_url=base_url, api_key=SecretStr("k"), use_responses_api=True, max_retries=0)
    return ChatGenerator(model, name="openai:m", tries=1)


@pytest.mark.parametrize(
    ("reply", "fault", "said"),
    [
        (responses(""), ModelUnavailable, "broke off before the end"),
        (
            responses("incomplete", {"reason": "content_filter"}),
            ModelFault,
            "did not finish its answer: content_filter",
        ),
        (responses("incomplete"), ModelFault, "did not finish its answer: incomplete"),
    ],
)
def test_half_an_answer_of_the_responses_api_is_none(
    serve: Serve, reply: str, fault: type[ModelFault], said: str
) -> None:
    """It tells in its own words why an answer ended."""
    url, _ = serve([(200, {}, reply)])
    with pytest.raises(fault, match=said):
        list(through_responses(url)(DraftRequest(ASKED, seed=1)))


@pytest.mark.parametrize(
    ("reply", "finish"),
    [(responses("completed"), "stop"), (responses("incomplete", {"reason": "max_output_tokens"}), "length")],
)
def test_the_responses_api_says_why_an_answer_ended(serve: Serve, reply: str, finish: str) -> None:
    """As chat completions do, in other words."""
    url, _ = serve([(200, {}, reply)])
    pieces = list(through_responses(url)(DraftRequest(ASKED, seed=1)))
    assert (text(pieces), pieces[-1].finish) == ("5 mg", finish)


def test_while_nothing_is_said_it_can_be_stopped(serve: Serve) -> None:
    """A model that thinks gives pieces without a text, after the first, until which a failed call is made again."""
    url, _ = serve([(200, {}, events("", "", "So"))])
    first, second, third, *rest = [piece.text for piece in generator(url)(DraftRequest(ASKED, seed=1))]
    assert (first, second, third, "".join(rest)) == ("", "", "So", "")


def test_a_character_that_comes_in_halves_is_given_whole(serve: Serve) -> None:
    """And one of which there is only half, at the end, as what can be sent on."""
    url, _ = serve([(200, {}, events("a\ud83d", "\ude00 b\ud83d"))])
    pieces = [piece.text for piece in generator(url)(DraftRequest(ASKED, seed=1))]
    assert [text for text in pieces if text] == ["a", "\U0001f600 b", "\ufffd"]


def test_a_count_that_grows_with_each_piece_is_the_last_one(serve: Serve) -> None:
    """Not the sum of them all, which would spend a budget at once."""
    counts = [{"prompt_tokens": 20, "completion_tokens": n, "total_tokens": 20 + n} for n in (1, 2, 3)]
    chunks = [
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "so "}, "finish_reason": reason}], "usage": usage}
        for usage, reason in zip(counts, (None, None, "stop"), strict=True)
    ]
    url, _ = serve([(200, {}, "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n")])
    assert sum((piece.usage for piece in generator(url)(DraftRequest(ASKED, seed=1))), Usage()) == Usage(20, 3)


def test_every_role_reaches_the_server(serve: Callable[..., tuple[str, list[dict[str, Any]]]]) -> None:
    """System, user and assistant turns arrive as such, in order."""
    url, asked = serve([(200, {}, events("seal"))])
    turns = (*ASKED, Message("assistant", "A whale."), Message("user", "Another one."))
    list(generator(url)(DraftRequest(turns, seed=1)))
    assert [(turn["role"], turn["content"]) for turn in asked[0]["messages"]] == [(t.role, t.content) for t in turns]


def test_a_beginning_is_refused_where_it_would_be_forgotten() -> None:
    """A generator that cannot go on from a beginning says so, and does not quietly begin anew."""
    drafts = generator("http://127.0.0.1:9/v1")
    assert not drafts.can_continue
    with pytest.raises(ModelRefused, match="cannot go on"):
        drafts(DraftRequest(ASKED, seed=1, continues="The grey"))

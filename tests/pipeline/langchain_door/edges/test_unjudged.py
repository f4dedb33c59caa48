"""What no critic has read is given to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableLambda

from pipeline import Pipeline
from pipeline.langchain import moderate

Make = Callable[..., Pipeline]

BAD = "We leverage synergy."
GOOD = "We work together."
REFUSAL = "No such words here."
COUNTS = {"prompt_tokens": 1, "completion_tokens": 2}


def giving(output: Any) -> RunnableLambda[Any, Any]:
    return RunnableLambda(lambda _: output)


def beside(text: str) -> dict[str, Any]:
    """Where integrations put what a model said, beside its content."""
    return {
        "additional_kwargs": {
            "parsed": {"text": text},
            "audio": {"transcript": text},
            "reasoning_details": [{"type": "reasoning.text", "text": text}],
        },
        "response_metadata": {
            "logprobs": {"content": [{"token": text}]},
            "grounding_metadata": {"grounding_supports": [{"segment": {"text": text}}]},
            "finish_reason": "stop",
            "token_usage": COUNTS,
        },
    }


def test_a_refusal_has_nothing_of_the_draft(make: Make) -> None:
    refused = moderate(giving(AIMessage(BAD, **beside(BAD))), pipeline=make()).invoke("What?")
    assert refused.text == REFUSAL
    assert "synergy" not in repr(refused)


@pytest.mark.parametrize("said", [BAD, GOOD])
def test_a_chunk_calls_what_was_judged_alone(make: Make, said: str) -> None:
    """It has its calls twice: as they were written, and as they are read."""
    written = '{"text": "We leverage synergy.", "text": "' + said + '"}'
    chunk = AIMessageChunk(content="", tool_call_chunks=[{"name": "send", "args": written, "id": "1", "index": 0}])
    released = moderate(giving(chunk), pipeline=make()).invoke("What?")
    assert "synergy" not in repr(released)
    assert [call["args"] for call in released.tool_calls] == ([{"text": GOOD}] if said == GOOD else [])
    assert (released + AIMessageChunk(content="")).tool_calls == released.tool_calls


def test_what_passed_has_nothing_beside_it_but_what_was_judged(make: Make) -> None:
    """And what is no text: counts, and signatures that a vendor wants back."""
    signed = {"__gemini_function_call_thought_signatures__": {"1": "c2lnbmVk"}, "reasoning_content": "So be it."}
    given = AIMessage(GOOD, **beside("aside"))
    given.additional_kwargs |= signed
    passed = moderate(giving(given), pipeline=make()).invoke("What?")
    assert passed.text == GOOD
    assert "aside" not in repr(passed)
    assert passed.additional_kwargs == signed
    assert passed.response_metadata["token_usage"] == COUNTS


def test_a_call_that_the_vendor_answers_itself_is_left_out(make: Make) -> None:
    """Its arguments are not among the message's calls, which are judged."""
    blocks: list[str | dict[Any, Any]] = [
        {"type": "text", "text": GOOD},
        {"type": "server_tool_call", "id": "1", "args": {"query": "aside"}},
    ]
    passed = moderate(giving(AIMessage(blocks)), pipeline=make()).invoke("What?")
    assert (passed.text, "aside" in repr(passed)) == (GOOD, False)


BLOCKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"type": "text", "text": GOOD, "id": "msg_1", "annotations": [{"type": "citation", "title": "aside"}]},
        {"type": "text", "text": GOOD, "id": "msg_1"},
    ),
    (
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "So be it.", "note": "aside"}],
            "content": [{"type": "reasoning_text", "text": "aside"}],
            "encrypted_content": "c2lnbmVk",
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "So be it."}],
            "encrypted_content": "c2lnbmVk",
        },
    ),
    (
        {"type": "thinking", "thinking": "So be it.", "signature": "c2lnbmVk", "extras": {"draft": "aside"}},
        {"type": "thinking", "thinking": "So be it.", "signature": "c2lnbmVk"},
    ),
    (
        {"type": "tool_use", "id": "1", "name": "aside", "input": {"text": "aside"}},
        {"type": "tool_use", "id": "1", "name": "send", "input": {"text": GOOD}},
    ),
    (
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "send", "arguments": '{"text": "aside"}'},
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "send", "arguments": f'{{"text": "{GOOD}"}}'},
    ),
    (
        {
            "type": "tool_call",
            "id": "1",
            "name": "send",
            "args": {"text": "aside"},
            "extras": {"signature": "c2lnbmVk", "item_id": "fc_1", "draft": "aside"},
        },
        {
            "type": "tool_call",
            "id": "1",
            "name": "send",
            "args": {"text": GOOD},
            "extras": {"signature": "c2lnbmVk", "item_id": "fc_1"},
        },
    ),
]


@pytest.mark.parametrize(("block", "left"), BLOCKS)
def test_of_a_block_is_left_what_was_judged(make: Make, block: dict[str, Any], left: dict[str, Any]) -> None:
    """And what its vendor wants back: ids and signatures. A call is the one that the message has."""
    content: list[str | dict[Any, Any]] = [block, "So we say."]
    given = AIMessage(content, tool_calls=[{"name": "send", "args": {"text": GOOD}, "id": "1"}])
    passed = moderate(giving(given), pipeline=make()).invoke("What?")
    assert passed.content == [left, "So we say."]
    assert "aside" not in repr(passed)


def test_reasoning_beside_the_content_is_left_as_far_as_it_was_judged(make: Make) -> None:
    """It may be in parts, which have more than a text."""
    given = AIMessage(GOOD, additional_kwargs={"reasoning_content": [{"text": "So be it.", "note": "aside"}]})
    passed = moderate(giving(given), pipeline=make()).invoke("What?")
    assert passed.additional_kwargs == {"reasoning_content": [{"text": "So be it."}]}


@pytest.mark.parametrize(
    "output",
    [
        {"input": "What?", "output": BAD, "intermediate_steps": [BAD], "context": []},
        {"input": "What?", "messages": [HumanMessage("What?"), AIMessage(BAD)], "structured_response": {"text": BAD}},
    ],
)
def test_a_refused_mapping_keeps_what_was_asked_and_documents_alone(make: Make, output: dict[str, Any]) -> None:
    asked = {"input": "What?"} | ({"messages": [HumanMessage("What?")]} if "messages" in output else {})
    refused = moderate(giving(output), pipeline=make()).invoke(asked)
    assert refused["input"] == "What?"
    assert "synergy" not in repr(refused)
    assert refused.keys() <= {"input", "output", "context", "messages"}


def test_what_was_asked_is_kept_only_as_it_was_asked(make: Make) -> None:
    """A chain may have put its own words there."""
    refused = moderate(giving({"input": BAD, "output": BAD}), pipeline=make()).invoke({"input": "What?"})
    assert refused == {"output": REFUSAL}


def test_what_was_mended_is_held_back_where_it_may_stand_twice(make: Make, mended: str) -> None:
    """As it was, in another part of the output."""
    mailed = "Write to ana.smith@example.org now."
    ego = make(more=mended)
    alone = moderate(giving({"output": mailed}), pipeline=ego).invoke({"input": "What?"})
    assert alone == {"output": "Write to [email] now."}
    twice = moderate(giving({"output": mailed, "steps": [mailed]}), pipeline=ego).invoke({"input": "What?"})
    assert "ana.smith" not in repr(twice)

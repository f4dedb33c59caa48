"""The local engine keeps to a form by grammar, and has no tools."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from critics import Message, ToolCall
from pipeline import DraftOptions, DraftRequest, Form, ModelUnable, Tool, Tools
from pipeline.llama import Engine, LlamaGenerator
from pipeline.llama.grammar import MOST

ASK = (Message("user", "Describe a cat, as JSON."),)
CAT = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "black"]}, "legs": {"type": "integer"}},
    "required": ["colour", "legs"],
    "additionalProperties": False,
}


def written(engine: Engine, form: Form, *, seed: int = 1, max_tokens: int = 60) -> tuple[str, str | None]:
    options = DraftOptions(form=form, max_tokens=max_tokens)
    pieces = list(LlamaGenerator(engine, temperature=1.5)(DraftRequest(ASK, seed, options=options)))
    return "".join(piece.text for piece in pieces), pieces[-1].finish


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_is_what_the_schema_describes(engine: Engine, seed: int) -> None:
    """Even from a hot model that would say something else."""
    text, finish = written(engine, Form(json.dumps(CAT)), seed=seed)
    assert finish == "stop"
    jsonschema.validate(json.loads(text), CAT)


def test_without_a_schema_it_is_an_object(engine: Engine) -> None:
    """As far as its length lets it."""
    text, finish = written(engine, Form())
    assert text.startswith("{")
    assert finish == "length" or isinstance(json.loads(text), dict)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"not": {"type": "string"}}, "Unrecognized schema"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}}, "Pattern"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": MOST + 1}, "maxItems is 1001"),
        ({"type": "object", "properties": {"a": {"maxLength": 10**9, "type": "string"}}}, "properties.a.maxLength"),
        ({"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(900)}}, "too large"),
        ({"type": "string", "pattern": "^[{](a|b){1000000000}$"}, "pattern is 1000000000"),
        ({"type": "string", "description": "a" * 50_000}, "too large"),
        ({"$ref": "https://127.0.0.1/schema"}, "remote"),
    ],
)
def test_what_no_grammar_can_say_is_refused(engine: Engine, schema: dict[str, Any], why: str) -> None:
    """With the reason, and before the engine is troubled with it."""
    with pytest.raises(ModelUnable, match="cannot keep") as caught:
        written(engine, Form(json.dumps(schema)))
    assert caught.value.asked == "form"
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("turns", "tools"),
    [
        (ASK, Tools((Tool("look"),))),
        ((*ASK, Message("assistant", "", (ToolCall("look"),)), Message("tool", "A cat.")), None),
    ],
)
def test_tools_are_refused(engine: Engine, turns: tuple[Message, ...], tools: Tools | None) -> None:
    """Offered or in the conversation."""
    with pytest.raises(ModelUnable, match="has no tools") as caught:
        list(LlamaGenerator(engine)(DraftRequest(turns, 1, options=DraftOptions(tools=tools))))
    assert caught.value.asked == "tools"

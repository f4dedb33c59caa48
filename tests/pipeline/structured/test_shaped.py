"""Drafts that call tools, or are JSON: what is judged of them, and what is released."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Finding, Manifesto, Message, Patterns, PatternsCritic, Rule, ScriptedCritic, ToolCall
from pipeline import DraftOptions, Form, ModelFault, Outcome, Pipeline, ScriptedGenerator, Tool, Tools
from pipeline.drafting import Finish
from pipeline.structured.fitting import misfit
from pipeline.structured.shaped import shaped

RUDE = Rule(id="no-rude", statement="Nothing is rude.", advice="Be kind.")
NUMBER = Rule(
    id="no-number", statement="No number.", critics=("patterns",), action="redact",
    patterns=Patterns(forbid=("[0-9]{4,}",)),
)  # fmt: skip
MAIL = Tools((Tool("mail", "Sends a letter."), Tool("look")))
JSON = DraftOptions(form=Form())


def critic() -> ScriptedCritic:
    return ScriptedCritic(lambda text, rule: float("rude" in text))


def calling(*arguments: str, name: str = "mail", text: str = "") -> Message:
    return Message("assistant", text, tuple(ToolCall(name, each, "theirs") for each in arguments))


def ask(
    drafts: Sequence[str | Message | ModelFault],
    options: DraftOptions,
    *rules: Rule,
    judge: Any = None,
    **keys: Any,
) -> tuple[Outcome, ScriptedGenerator, Any]:
    under = Manifesto.model_validate({"name": "m", "version": "1", "rules": rules or (RUDE,), **keys})
    generator, judge = ScriptedGenerator(drafts), judge or critic()
    return Pipeline(under, judge, generator).ask("Write.", options=options), generator, judge


def test_a_call_is_judged_by_what_it_says_and_released_as_a_call() -> None:
    """Its text beside it, and an id that nobody else has written."""
    outcome, _, judge = ask([calling('{"to": "Ana"}', text="I write.")], DraftOptions(tools=MAIL))
    assert judge.seen[-1].draft == "I write.\n\nmail\nto: Ana"
    assert (outcome.status, outcome.released()) == ("released", "I write.")
    (call,) = outcome.calls
    assert (call.name, json.loads(call.arguments)) == ("mail", {"to": "Ana"})
    assert len(call.id) == 9
    assert call.id.isalnum()


@pytest.mark.parametrize(
    "arguments",
    ['{"body": "A rude word."}', '{"body": "\\u0072ude"}', '{"rude": 1}', '{"a": [{"b": ["so", "rude"]}]}'],
)
def test_a_broken_call_goes_back_like_text(arguments: str) -> None:
    """With the advice, however deep the word lies, and however it is written."""
    outcome, generator, _ = ask([calling(arguments), calling('{"body": "Dear"}')], DraftOptions(tools=MAIL))
    assert [attempt.verdict.outcome for attempt in outcome.attempts] == ["revise", "pass"]
    assert [json.loads(call.arguments) for call in outcome.calls] == [{"body": "Dear"}]
    failed, advice = generator.requests[1].messages[-2:]
    assert (failed.role, failed.calls) == ("assistant", ())
    assert failed.content.startswith("mail\n")
    assert "Be kind." in advice.content


def test_of_two_like_names_the_one_is_released_that_was_judged() -> None:
    """Whoever reads the first one finds nothing else there."""
    outcome, _, judge = ask([calling('{"body": "rude", "body": "kind"}')], DraftOptions(tools=MAIL))
    assert judge.seen[-1].draft == "mail\nbody: kind"
    assert [call.arguments for call in outcome.calls] == ['{"body": "kind"}']


def test_names_hide_nothing_either() -> None:
    """Nobody sees what cannot be seen, there or in a text, so it is not released."""
    outcome, _, judge = ask([calling('{"b\u200bo\\u00addy": "ki\u200bnd"}')], DraftOptions(tools=MAIL))
    assert judge.seen[-1].draft == "mail\nbody: kind"
    assert [call.arguments for call in outcome.calls] == ['{"body": "kind"}']


def test_each_argument_is_mended_for_itself() -> None:
    """And the call is a call still; so is an answer in JSON."""
    drafts = [calling('{"to": "Ana \\"4711\\"", "n": 7}')]
    outcome, _, _ = ask(drafts, DraftOptions(tools=MAIL), NUMBER, judge=PatternsCritic())
    assert json.loads(outcome.calls[0].arguments) == {"to": 'Ana "[removed]"', "n": 7}
    answer, _, _ = ask(['{"to": "\\u0034711"}'], JSON, NUMBER, judge=PatternsCritic())
    assert json.loads(answer.released()) == {"to": "[removed]"}


def test_what_was_found_in_each_argument_is_told() -> None:
    """In their order."""
    call = ToolCall("mail", '{"to": "Ana", "n": 7, "body": ["Hi"]}', "theirs")

    def mend(text: str) -> tuple[str, tuple[Finding, ...]]:
        return text, (Finding("no-number", "patterns", 1.0, text),)

    found = shaped("", [call], DraftOptions(tools=MAIL), mend)
    assert [finding.critique for finding in found.redactions] == ["Ana", "Hi"]


@pytest.mark.parametrize(
    ("draft", "tools"),
    [
        (calling('{"to": '), MAIL),
        (calling('["Ana"]'), MAIL),
        (calling('{"a": ' + "[" * 600 + "]" * 600 + "}"), MAIL),
        (calling("{}", name="shoot"), MAIL),
        (calling("{}", name="look"), Tools(MAIL.offered, named="mail")),
        (calling("{}"), Tools(MAIL.offered, "none")),
        (calling("{}"), None),
        ("Hello.", Tools(MAIL.offered, "required")),
    ],
)
def test_what_is_no_call_that_was_asked_for_is_never_released(draft: str | Message, tools: Tools | None) -> None:
    """It goes back with what is wrong, and in the end nothing is called, even where the best one would be given."""
    outcome, generator, judge = ask([draft, draft], DraftOptions(tools=tools), on_exhausted="best")
    assert (outcome.status, outcome.calls) == ("withheld", ())
    assert judge.seen == []
    assert "tools that are offered" in generator.requests[1].messages[-1].content


def test_an_answer_in_json_is_judged_by_what_it_says() -> None:
    """And written anew from what was read."""
    outcome, _, judge = ask(['{"a": "\\u0072ude"}', '{"a":"kind",\n "b": [1, true]}'], JSON)
    assert [exchange.draft for exchange in judge.seen] == ["a: rude", "a: kind\nb: 1\nb: true"]
    assert outcome.answer == '{"a": "kind", "b": [1, true]}'
    assert outcome.given is not None
    assert outcome.given.number == 2


def test_an_answer_that_is_no_json_goes_back() -> None:
    """It was asked for, and without a schema an object was."""
    outcome, _, _ = ask(["Here you are: {}", "[1]", '{"a": 1}'], JSON)
    assert [a.verdict.outcome for a in outcome.attempts] == ["revise", "revise", "pass"]
    assert outcome.answer == '{"a": 1}'
    assert ask(["[1]"], DraftOptions(form=Form('{"type": "array"}')))[0].answer == "[1]"


def test_a_call_may_come_in_the_place_of_an_answer_in_json() -> None:
    """Nothing is said then that could be of another form; and what is said beside it must be JSON."""
    options = DraftOptions(tools=MAIL, form=Form())
    outcome, _, _ = ask([calling('{"to": "Ana"}', text="I write."), calling('{"to": "Bo"}')], options)
    assert [attempt.verdict.outcome for attempt in outcome.attempts] == ["revise", "pass"]
    assert [call.arguments for call in outcome.calls] == ['{"to": "Bo"}']


CAT = {
    "$defs": {"Cat": {"type": "object", "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
                      "required": ["name"], "additionalProperties": False}},
    "type": "object",
    "properties": {
        "cats": {"type": "array", "items": {"$ref": "#/$defs/Cat"}},
        "mood": {"enum": ["kind", "calm"]},
        "age": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "hue": {"type": "string", "enum": ["red", "grey"], "nullable": True},
    },
    "required": ["cats"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"cats": [{"name": "Mia", "legs": 4.0}], "mood": "calm", "age": None, "more": 1}, ""),
        ({"cats": []}, ""),
        ({"cats": [], "hue": None}, ""),
        ({"dogs": []}, "`cats` is missing in the answer"),
        ([{"name": "Mia"}], "the answer is not of the type that was asked for, object"),
        ({"cats": {"name": "Mia"}}, "`cats` is not of the type that was asked for, array"),
        ({"cats": [{"legs": 4}]}, "`name` is missing in `cats.[]`"),
        ({"cats": [{"name": "Mia", "legs": True}]}, "`cats.[].legs` is not of the type that was asked for, integer"),
        ({"cats": [{"name": "Mia", "tail": 1}]}, "`cats.[]` has a key that was not asked for"),
        ({"cats": [], "mood": "rude"}, "`mood` is none of the values that were asked for"),
        ({"cats": [], "age": "old"}, "`age` has none of the shapes that were asked for"),
    ],
)
def test_an_answer_of_another_shape_goes_back(answer: Any, fault: str) -> None:
    """Whoever asked for a shape reads nothing else, and a server may not have held the model to it."""
    options = DraftOptions(form=Form(json.dumps(CAT)))
    found = shaped(json.dumps(answer), [], options, lambda text: (text, ()), finish="stop")
    assert found.fault == fault
    outcome, _, judge = ask([json.dumps(answer), '{"cats": []}'], options)
    assert (outcome.answer, len(outcome.attempts)) == (('{"cats": []}', 2) if fault else (json.dumps(answer), 1))
    assert len(judge.seen) == 1


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        (4.5, {"type": "integer"}, "the answer is not of the type that was asked for, integer"),
        (4, {"type": "string", "nullable": True}, "the answer is not of the type that was asked for, string"),
        ("a", {"type": ["integer", "odd"]}, ""),
        ("rude", {"const": "kind"}, "the answer is none of the values that were asked for"),
        ("kind", {"const": "kind"}, ""),
        ({}, {"allOf": [{}, {"required": ["a"]}]}, "`a` is missing in the answer"),
        (4, {"oneOf": [{"type": "string"}, {"type": "null"}]}, "the answer has none of the shapes that were asked for"),
        (["a", 1], {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, ""),
        ({"x1": 1}, {"patternProperties": {"^x": {}}, "additionalProperties": False}, ""),
        ({"n": 1, "of": {}}, {"properties": {"of": {"$ref": "#"}}, "required": ["n"]}, "`n` is missing in `of`"),
        (4, {"$ref": "#/$defs/a~1b~0", "$defs": {"a/b~": {"type": "string"}}},
         "the answer is not of the type that was asked for, string"),
    ],
)  # fmt: skip
def test_a_shape_is_what_json_schema_means(value: Any, schema: Any, fault: str) -> None:
    """Of what is looked at; what is not, as places in a row and patterns of keys, is no fault."""
    assert misfit(value, schema) == fault


@pytest.mark.parametrize(
    "schema",
    [
        "[]", "true", '{"$ref": "#"}', '{"$ref": "elsewhere.json"}', '{"$ref": "#/none"}', '{"type": "odd"}',
        '{"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "allOf": [{"$ref": "#"}]}', '{"required": 7, "properties": []}',
        '{"type": "object", "properties": {"a": {"$ref": "#one"}}, "required": ["a", ["b"]]}', '{"type": [["object"]]}',
    ],
)  # fmt: skip
def test_a_schema_that_says_nothing_faults_nothing(schema: str) -> None:
    """What leads nowhere, or round in a circle, is no fault of the answer's."""
    options = DraftOptions(form=Form(schema))
    assert shaped('{"a": 1}', [], options, lambda text: (text, ()), finish="stop").fault == ""


def test_json_that_was_cut_off_for_its_length_is_judged_as_far_as_it_goes() -> None:
    """Its escapes resolved: whoever set the bound is told so."""
    options = DraftOptions(form=Form(), max_tokens=1)
    outcome, _, judge = ask(['{"a":"kind\\nword" }'], options)
    assert judge.seen[-1].draft == '{"a":"kind\nword"'
    assert (outcome.status, outcome.answer) == ("released", '{"a":"kind\\nword"')
    assert ask(['{"a":"\\u0072ude" }'], options)[0].status == "withheld"


@pytest.mark.parametrize(("finish", "fault"), [("length", "the arguments for mail are no JSON object"), ("stop", "")])
def test_a_call_that_was_cut_off_before_its_arguments_is_none(finish: Finish, fault: str) -> None:
    """Empty as they are, they may have been about to say what it must not touch."""
    options = DraftOptions(tools=MAIL)
    found = shaped("", [ToolCall("mail", "", "theirs")], options, lambda text: (text, ()), finish=finish)
    assert found.fault == fault


TEXTS = st.sampled_from(["rude", "kind", "r\u00adude", 'ru"de', "rude\n", "", "ru\u200bde", "e\\u0072ude"])
ARGUMENTS = st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS), max_size=3)


@given(st.lists(st.lists(ARGUMENTS, max_size=2), min_size=1, max_size=3), st.booleans())
def test_nothing_of_a_call_is_released_that_was_not_judged_and_passed(
    drafts: list[list[dict[str, Any]]], ascii_only: bool
) -> None:
    """Whatever the arguments hold, each of their words was in a text that passed."""
    passed: list[str] = []

    def judge(exchange: Any, rules: Sequence[Rule]) -> list[Finding]:
        bad = "rude" in exchange.draft
        if not bad:
            passed.append(exchange.draft)
        return [Finding(rule.id, "own", float(bad)) for rule in rules]

    said = [calling(*(json.dumps(a, ensure_ascii=ascii_only) for a in draft)) for draft in drafts]
    outcome, _, _ = ask(said, DraftOptions(tools=MAIL), judge=judge)
    for call in outcome.calls:
        told = json.loads(call.arguments)
        words = [word for key, value in told.items() for word in (key, *_words(value))]
        assert all(word in passed[-1] for word in words)
        assert "rude" not in " ".join(words)


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for key, inner in value.items() for word in (key, *_words(inner))]
    return [word for inner in value for word in _words(inner)] if isinstance(value, list) else [value]

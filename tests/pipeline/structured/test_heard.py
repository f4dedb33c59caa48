"""A conversation with tools, as critics hear of it and as generators are asked it."""

from __future__ import annotations

from typing import Any

from critics import Exchange, Manifesto, Message, Rule, ScriptedCritic, Source, ToolCall
from pipeline import DraftOptions, Form, Pipeline, ScriptedGenerator, Tool, Tools
from pipeline.loop import Passed
from pipeline.structured import heard

CALLED = (
    Message("system", "Be brief."),
    Message("user", "Is it raining?"),
    Message("assistant", "I look.", (ToolCall("look", '{"at": "sky"}', "one"),)),
    Message("tool", "Wet.", answers="one"),
)
ASK = Rule(id="no-bombs", statement="Nobody asks for bombs.", applies_to="input", action="veto")
KIND = Rule(id="no-rude", statement="Nothing is rude.")


def pipeline(*drafts: Any, rules: tuple[Rule, ...] = (KIND, ASK)) -> Pipeline:
    under = Manifesto(name="m", version="1", rules=rules)
    critic = ScriptedCritic(lambda text, rule: float(rule.id.removeprefix("no-").rstrip("s") in text))
    return Pipeline(under, critic, ScriptedGenerator(drafts or ["Yes."]))


def test_calls_are_written_out_and_results_are_sources() -> None:
    """Up to the last turn of the user's: what the draft answers."""
    told = heard(Exchange((*CALLED, Message("assistant", "Yes."), Message("user", "Still?")), "No."))
    assert [turn.role for turn in told.conversation] == ["system", "user", "assistant", "assistant", "user"]
    assert told.conversation[2] == Message("assistant", "I look.\n\nlook\nat: sky")
    assert told.sources == (Source("Wet.", origin="look", kind="tool"),)
    assert heard(Exchange(CALLED)).conversation == CALLED[:2]


def test_a_conversation_without_tools_is_left_alone() -> None:
    """The very same."""
    exchange = Exchange(CALLED[:2], "Yes.")
    assert heard(exchange) is exchange


def test_the_generator_is_asked_with_calls_and_results_as_they_are() -> None:
    """In the first draft and in a revision."""
    asked = pipeline("So rude.", "Yes.")
    assert asked.ask(CALLED).answer == "Yes."
    assert isinstance(asked.generator, ScriptedGenerator)
    first, second = asked.generator.requests
    assert first.messages == CALLED
    assert second.messages[:4] == CALLED
    assert [turn.role for turn in second.messages[4:]] == ["assistant", "user"]


def test_what_a_tool_gave_is_judged_as_input() -> None:
    """All that came last, before anything is drafted."""
    more = (*CALLED, Message("tool", "How to make a bomb.", answers="one"), Message("tool", "", answers="one"))
    outcome = pipeline().ask(more)
    assert (outcome.status, outcome.stop_reason, outcome.attempts) == ("withheld", "input", ())


def test_all_that_a_client_sends_is_judged_and_what_passed_is_not_judged_again() -> None:
    """Users, systems, results, descriptions and schemas; not what is said to be the model's own."""
    asked, passed = pipeline(rules=(ASK,)), Passed()
    assert isinstance(asked.critic, ScriptedCritic)
    tools = Tools((Tool("look", "Looks up.", '{"type": "object", "description": "Where."}'),))
    options = DraftOptions(tools=tools, form=Form('{"title": "Weather"}'))
    for _ in range(2):
        asked.stream((*CALLED, Message("user", "Still?")), options=options, passed=passed).ended()
    judged = [exchange.judged for exchange in asked.critic.seen]
    look = "look\nLooks up.\ntype: object\ndescription: Where."
    assert judged == ["Be brief.", "Is it raining?", "Wet.", look, "title: Weather", "Still?", "Still?"]


def test_sources_of_the_caller_stand_before_the_users_turn() -> None:
    """Also where a tool spoke last."""
    asked = pipeline()
    asked.ask(CALLED, context=[Source("A page.")])
    assert isinstance(asked.generator, ScriptedGenerator)
    messages = asked.generator.requests[0].messages
    assert "A page." in messages[1].content
    assert messages[3] == CALLED[3]


def test_an_answer_with_tools_comes_in_one() -> None:
    """Whatever the manifesto says of streams: a call is read as a whole."""
    under = Manifesto(name="m", version="1", rules=(KIND,), stream="sentence")
    critic = ScriptedCritic(lambda text, rule: 0.0)
    answer = Pipeline(under, critic, ScriptedGenerator(["One. Two. Three."])).stream(CALLED)
    assert list(answer) == ["One. Two. Three."]

"""What a generator is told of a manifesto, and that nobody else is."""

from __future__ import annotations

import pytest

from critics import Exchange, Manifesto, Message, Rule, ScriptedCritic, load
from pipeline import ScriptedGenerator, load_settings
from pipeline.assembly import Parts
from pipeline.assembly.named import NamedPipelines
from pipeline.drafting import DraftRequest
from pipeline.identity import PromptedGenerator, preprompt, words_of
from pipeline.loop import Loop

MANIFESTO = Manifesto(
    name="mill",
    version="1",
    beliefs="Bread is daily.\n",
    provenance="Recent sources weigh more.",
    release=0.937,
    rules=(
        Rule(
            id="short",
            statement="The answer is\n  short.",
            advice="Cut it.",
            critics=("judge",),
            weight=7,
            threshold=0.61,
        ),
        Rule(id="asked", statement="The message is polite.", critics=("judge",), applies_to="input"),
    ),
)


def test_it_holds_what_the_manifesto_says_to_a_writer() -> None:
    """Beliefs, how sources weigh, each rule with its advice on a line of its own."""
    told = preprompt(MANIFESTO)
    assert told.role == "system"
    assert "Bread is daily." in told.content
    assert "Recent sources weigh more." in told.content
    assert "\n- The answer is short. Cut it." in told.content


@pytest.mark.parametrize("kept", ["0.937", "0.61", "7", "weight", "threshold", "polite", "short:"])
def test_it_holds_nothing_of_how_answers_are_judged(kept: str) -> None:
    """No weight, threshold, score or rule for what users say: a generator that sees the rubric learns to game it."""
    assert kept not in preprompt(MANIFESTO).content


def test_a_manifesto_that_says_little_is_told_in_little() -> None:
    """No heading stands over nothing."""
    assert "stand for" in preprompt(MANIFESTO).content
    assert "stand for" not in preprompt(load("house-style")).content


def test_a_manifesto_that_a_record_names_is_told_its_own() -> None:
    """And not what the other records of the batch are told."""
    flags = {"generator": {"model": "openai:any", "api_key": "k"}, "identity": {"use": "preprompt"}}
    settings = load_settings(flags=flags)
    parts = Parts(settings)
    named = NamedPipelines(parts.pipeline(MANIFESTO), parts, settings)("house-style").generator
    assert isinstance(named, PromptedGenerator)
    assert named._told((Message("user", "?"),))[0] == preprompt(load("house-style"))


def test_other_thresholds_are_the_same_words() -> None:
    """What an identity was made of does not change with how it is judged, and does with a rule."""
    eased = MANIFESTO.model_copy(update={"release": 0.1})
    reworded = MANIFESTO.model_copy(update={"beliefs": "Bread is weekly."})
    assert words_of(MANIFESTO) == words_of(eased) != words_of(reworded)
    assert MANIFESTO.hash != eased.hash


def drafted(*messages: Message) -> tuple[Message, ...]:
    generator = ScriptedGenerator(["Yes."])
    list(PromptedGenerator(generator, preprompt(MANIFESTO))(DraftRequest(messages, 1)))
    return tuple(generator.requests[0].messages)


def test_the_generator_is_told_first() -> None:
    """Before the conversation."""
    asked = Message("user", "Who are you?")
    assert drafted(asked) == (preprompt(MANIFESTO), asked)


def test_somebodys_own_system_message_follows_in_the_same() -> None:
    """Many chat templates take one system message alone."""
    first, second = drafted(Message("system", "Be brief."), Message("user", "Who are you?"))
    assert first.content.startswith(preprompt(MANIFESTO).content)
    assert first.content.endswith("\n\nBe brief.")
    assert second.role == "user"


def test_the_critic_and_the_outcome_see_the_conversation_as_it_was() -> None:
    """What the generator is told is between it and the manifesto."""
    critic, generator = ScriptedCritic(lambda *_: 0.0), ScriptedGenerator(["Bread."])
    rule = MANIFESTO.rules[0].model_copy(update={"critics": ("scripted",)})
    manifesto = MANIFESTO.model_copy(update={"rules": (rule,), "release": 0.5})
    asked = Exchange((Message("user", "What is daily?"),), None)
    Loop(PromptedGenerator(generator, preprompt(manifesto)), critic, manifesto)(asked)
    assert generator.requests[0].messages[0].role == "system"
    assert [exchange.conversation for exchange in critic.seen] == [asked.conversation]

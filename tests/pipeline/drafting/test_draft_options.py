"""What a caller asks of the drafts of one call."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Manifesto, Message, Rule, ScriptedCritic, ToolCall
from pipeline import BadInput, DraftOptions, DraftRequest, Form, Piece, Pipeline, ScriptedGenerator, Tool, Tools
from pipeline.drafting import until

BAD = Rule(id="no-bad", statement="Nothing is bad.")
OPTIONS = DraftOptions(max_tokens=9, stop=("END",), temperature=0.5, top_p=0.5)


@pytest.mark.parametrize("revision", ["converse", "rewind"])
def test_every_draft_is_asked_for_with_the_options(revision: str) -> None:
    """The first one and every revision, with `ask` and with `stream`."""
    under = Manifesto.model_validate({"name": "m", "version": "1", "rules": (BAD,), "revision": revision})
    generator = ScriptedGenerator(["bad", "fine", "bad", "fine"])
    pipeline = Pipeline(under, ScriptedCritic(lambda draft, rule: float("bad" in draft)), generator)
    pipeline.ask("Write.", options=OPTIONS)
    pipeline.stream("Write.", options=OPTIONS).ended()
    assert [request.options for request in generator.requests] == [OPTIONS] * 4


def drafted(draft: str, options: DraftOptions, continues: str = "") -> tuple[str, str | None]:
    request = DraftRequest((Message("user", "Write."),), 1, continues=continues, options=options)
    pieces = list(ScriptedGenerator([draft])(request))
    return "".join(piece.text for piece in pieces), pieces[-1].finish


def test_the_scripted_generator_does_as_it_is_asked() -> None:
    """It ends at the bound, which counts what the draft continues from, and before a stop string."""
    assert drafted("one two three", DraftOptions(max_tokens=2)) == ("one two", "length")
    assert drafted("two three", DraftOptions(max_tokens=2), "one") == ("two", "length")
    assert drafted("one two three", DraftOptions(stop=("o th",))) == ("one tw", "stop")
    assert drafted("two three", DraftOptions(stop=("e t",)), "one ") == ("", "stop")
    assert drafted("one two", DraftOptions(max_tokens=2)) == ("one two", "stop")


def test_one_text_is_one_stop_string_and_one_draft() -> None:
    """Its letters are none: a draft would end before its first E, and the next one be a letter."""
    assert DraftOptions(stop="END") == DraftOptions(stop=("END",))
    assert drafted("one E END two", DraftOptions(stop="END")) == ("one E ", "stop")
    request = DraftRequest((Message("user", "Write."),), 1)
    assert "".join(piece.text for piece in ScriptedGenerator("one two")(request)) == "one two"


def test_a_stop_string_is_a_text_and_none_is_none() -> None:
    """`None` is no stop string, as of the other options; anything else would break the engine for all."""
    none: Any = None
    assert DraftOptions(stop=none) == DraftOptions()
    odd: Any
    for odd in ([5], 5, 0):
        with pytest.raises(BadInput, match="`stop` is a text or a list of texts, not"):
            DraftOptions(stop=odd)


@pytest.mark.parametrize("option", ["max_tokens", "temperature", "top_p"])
def test_what_must_be_a_number_is_one(option: str) -> None:
    """As a variable of the environment is not: the engine would find out, and break for all that share it."""
    with pytest.raises(BadInput, match=f"`{option}` is a number, not '0.5'"):
        DraftOptions(**{option: "0.5"})  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object"}, "as a text, not a dict: json.dumps"),
        ('{"type":', "is no JSON: Expecting value"),
        ('{"maximum": NaN}', "is no JSON: NaN is not JSON"),
        pytest.param("[" * 200_000, "is no JSON: it is nested too deeply", id="deep"),
    ],
)
def test_a_schema_is_the_text_of_one(schema: Any, said: str) -> None:
    """As pydantic gives one it is a mapping, which nothing behind could keep as it is."""
    with pytest.raises(BadInput, match=f"`schema` .*{said}"):
        Form(schema)
    with pytest.raises(BadInput, match=f"`parameters` of the tool 'look' .*{said}"):
        Tool("look", parameters=schema)


@pytest.mark.parametrize("seed", [1.5, "1"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    """The time is none, for instance."""
    pipeline = Pipeline(
        Manifesto(name="m", version="1", rules=(BAD,)), ScriptedCritic(lambda *_: 0.0), ScriptedGenerator("fine")
    )
    for call in (pipeline.ask, pipeline.stream):
        with pytest.raises(BadInput, match=f"`seed` is a whole number, not {seed!r}"):
            call("Write.", seed=seed)


@given(st.text("ab", max_size=12), st.lists(st.text("ab", min_size=1, max_size=3), max_size=2), st.data())
def test_a_draft_ends_before_the_first_stop_string(text: str, stop: list[str], data: st.DataObject) -> None:
    """However it comes in pieces, nothing is lost before it and nothing given from it on."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [Piece(text[a:b]) for a, b in pairwise([0, *cuts, len(text)])]
    ends = [(text.find(s) + len(s), text.find(s)) for s in stop if s in text]
    expected = text[: min(ends)[1]] if ends else text
    assert "".join(piece.text for piece in until((p for p in pieces), stop)) == expected


@given(st.text("ab", max_size=12), st.integers(0, 12), st.text("ab", min_size=1, max_size=3), st.data())
def test_a_stop_string_may_begin_in_what_was_there(text: str, at: int, stop: str, data: st.DataObject) -> None:
    """Nothing is given from it on; one that lies in the beginning alone stops nothing."""
    begun, rest = text[:at], text[at:]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rest)), max_size=4)))
    pieces = [Piece(rest[a:b]) for a, b in pairwise([0, *cuts, len(rest)])]
    place = text.find(stop, max(0, len(begun) + 1 - len(stop)))
    expected = rest if place < 0 else text[at:place]
    assert "".join(piece.text for piece in until((p for p in pieces), (stop,), begun)) == expected


def test_a_call_comes_once_behind_what_might_have_been_a_stop_string() -> None:
    """What was held back of the text comes in the end by itself."""
    call = ToolCall("send", "{}", "1")
    pieces = list(until((piece for piece in (Piece("Shall I EN"), Piece("", calls=(call,)))), ["END"]))
    assert "".join(piece.text for piece in pieces) == "Shall I EN"
    assert [called for piece in pieces for called in piece.calls] == [call]


@pytest.mark.parametrize(
    ("offered", "asked", "said"),
    [
        ("a", {"named": "b"}, "there is no tool 'b' to be called: a is offered"),
        ("", {"choice": "required"}, "a tool must be called, and none is offered"),
        ("aba", {}, "two tools have one name, 'a'"),
    ],
)
def test_tools_that_do_not_fit_together_are_refused(offered: str, asked: dict[str, str], said: str) -> None:
    """A call of what was not offered would pass for one that was asked for; of two like names nobody knows which."""
    with pytest.raises(BadInput, match=said):
        Tools(tuple(map(Tool, offered)), **asked)  # type: ignore[arg-type]  # words of a Literal

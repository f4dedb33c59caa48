"""What a pipeline gives goes to other processes, as Ray and multiprocessing send it, and comes there as it was."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import critics
import pipeline
from critics import (
    ExtraMissing,
    Fault,
    Finding,
    Manifesto,
    ManifestoError,
    Rule,
    ScriptedCritic,
    Span,
    Unreadable,
    Usage,
)
from pipeline import ModelUnable, ModelUnavailable, Outcome, Pipeline, ScriptedGenerator, Settings, Withheld

RULE = Rule(id="no-bad", statement="Nothing is bad.")


def _withheld() -> Outcome:
    under = Manifesto.model_validate({"name": "m", "version": "1", "rules": (RULE,)})
    return Pipeline(under, ScriptedCritic(lambda *_: 1.0), ScriptedGenerator("bad")).ask("Write.", seed=1)


def sent(thing: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing), copy.copy(thing)]


@pytest.mark.parametrize(
    "error",
    [
        ManifestoError([Fault("a.yaml", 1, 2, "bad"), Fault("a.yaml", 3, 4, "worse")]),
        ExtraMissing("key", "server", kind="command"),
        Unreadable("neither yes nor no"),
        pipeline.SettingsError("`a` is missing"),
        ModelUnable("no tools", asked="tools", why="there are none"),
        ModelUnavailable("overloaded", retry_after=3.0),
        Withheld(_withheld()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_with_all_that_it_says(error: Exception) -> None:
    """One that cannot be made anew there would be another error, about nothing that happened."""
    for same in sent(error):
        assert (type(same), str(same)) == (type(error), str(error))
        assert vars(same) == vars(error)


def test_every_error_that_is_public_can_be_sent() -> None:
    """Whatever it is made of."""
    made: dict[str, Any] = {"ExtraMissing": ("key", "server"), "ManifestoError": ([],), "Withheld": (_withheld(),)}
    for name in [*critics.__all__, *pipeline.__all__]:
        kind = getattr(critics, name, None) or getattr(pipeline, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            options = {"asked": "form"} if kind is ModelUnable else {}
            error = kind(*made.get(name, ("said",)), **options)
            assert [type(same) for same in sent(error)] == [kind] * 3


@pytest.mark.parametrize(
    "thing",
    [
        _withheld(),
        critics.load("house-style"),
        Finding("no-bad", "c", 0.5, "said", (Span(1, 2),), ("x",), Usage(1, 2)),
        Settings.model_validate({"generator": {"api_key": "sk-mine"}, "manifesto": "house-style"}),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_is_given_comes_as_it_was(thing: Any) -> None:
    """Outcomes with their verdicts, manifestos, findings and settings."""
    assert sent(thing) == [thing] * 3

from __future__ import annotations

import json

import jsonschema
import pytest

import manifestos
from critics import load
from critics.manifesto.json_schema import rendered
from critics.manifesto.tree import parse


def test_the_schema_is_current() -> None:
    """`make schema` was run after the models changed."""
    assert manifestos.schema_path().read_text() == rendered()


@pytest.mark.parametrize("name", manifestos.names())
def test_shipped_manifestos_fit_the_schema_that_editors_use(name: str) -> None:
    """What loads does not get red underlines."""
    schema = json.loads(manifestos.schema_path().read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(parse(manifestos.path(name).read_text(), name).plain())) == []


@pytest.mark.parametrize(
    "text",
    [
        "name: a",
        "name: a\nversion: '1'\nrules: [{id: b}]",
        "name: a\nextends: b\nrulez: []",
        "name: a\nextends: b\nrules: [{id: b, action: vetoo}]",
    ],
)
def test_the_schema_refuses_what_loading_refuses(text: str) -> None:
    """A missing key, a rule without a statement, an unknown key, an unknown action."""
    schema = json.loads(manifestos.schema_path().read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse(text, "text").plain(), schema)


def test_all_five_are_shipped_and_the_default_is_among_them() -> None:
    """Under the names that the documentation uses."""
    assert manifestos.names() == [
        "chemistry-lab",
        "equal-value",
        "helpful-harmless-honest",
        "house-style",
        "public-assistant",
    ]
    assert manifestos.DEFAULT in manifestos.names()


def test_one_model_serves_two_audiences() -> None:
    """The laboratory's manifesto builds on the default and reads its rule against harm differently."""
    public, laboratory = load("helpful-harmless-honest"), load("chemistry-lab")
    harmless = {m.name: next(rule for rule in m.rules if rule.id == "harmless") for m in (public, laboratory)}
    assert harmless["chemistry-lab"].statement != harmless["helpful-harmless-honest"].statement
    assert harmless["chemistry-lab"].action == harmless["helpful-harmless-honest"].action == "veto"
    assert {rule.id for rule in public.rules} - {rule.id for rule in laboratory.rules} == {"acceptable-request"}


def test_an_unknown_name_is_a_key_error() -> None:
    """A path is not taken for a name."""
    with pytest.raises(KeyError):
        manifestos.path("../manifestos/house-style")

"""What was edited, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from critics import Manifesto
from pipeline.tuning.edits import edits

CALM = {"id": "calm", "statement": "It is calm."}


def manifesto(**keys: Any) -> Manifesto:
    return Manifesto.model_validate_json(json.dumps({"name": "ours", "version": "1", "rules": [CALM], **keys}))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, []),
        ({"release": 0.7, "beliefs": "Be good."}, ["beliefs", "release 0.5 → 0.7"]),
        ({"on_exhausted": "best"}, ["on_exhausted refusal → best"]),
        ({"rules": [{**CALM, "threshold": 0.7, "statement": "Calm."}]}, ["calm: statement, threshold 0.5 → 0.7"]),
        ({"rules": [{**CALM, "personal-data": {}}]}, ["calm: personal-data"]),
        ({"rules": [CALM, {**CALM, "id": "kind"}]}, ["kind: new rule"]),
        ({"rules": [{**CALM, "id": "kind"}]}, ["kind: new rule", "calm: rule taken out"]),
    ],
)
def test_each_edit_is_said(keys: dict[str, Any], said: list[str]) -> None:
    """By the key as it stands in the file, with both values where they are short."""
    assert [str(edit) for edit in edits(manifesto(), manifesto(**keys))] == said

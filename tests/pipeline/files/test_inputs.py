"""JSON lines as every command reads them."""

from __future__ import annotations

import io

import pytest
from pydantic import BaseModel

from pipeline.batch.reading.lines import numbered
from pipeline.files.inputs import JudgeIn, LabelledIn, PromptIn, TrainingIn, json_lines


@pytest.mark.parametrize("blank", ["", " \t", "\u00a0", "\u3000 ", "\ufeff", "\u2003\r"])
def test_a_line_that_looks_blank_is_blank_for_every_command(blank: str) -> None:
    """For a batch and for those that judge and learn: it is no record and no fault, and counts as a line."""
    file = f'\ufeff\n{{"text": "one"}}\n{blank}\n{{"text": "two"}}\n{blank}'.encode()
    assert [line.number for line in numbered(io.BytesIO(file))] == [2, 4]
    assert list(json_lines(io.BytesIO(file), JudgeIn)) == [(2, JudgeIn(text="one")), (4, JudgeIn(text="two"))]


@pytest.mark.parametrize(
    ("model", "given", "same"),
    [
        (PromptIn, {"prompt": "a", "context": None, "id": None}, {"prompt": "a"}),
        (
            PromptIn,
            {"prompt": "a", "context": [{"text": "s", "kind": None}]},
            {"prompt": "a", "context": [{"text": "s"}]},
        ),
        (JudgeIn, {"text": None, "response": "a", "context": None}, {"response": "a"}),
        (LabelledIn, {"text": "a", "label": None, "labels": {"x": 1}}, {"text": "a", "label": 1, "labels": {"x": 1}}),
        (LabelledIn, {"text": "a", "label": 0, "labels": None}, {"text": "a", "label": 0}),
        (LabelledIn, {"text": "a", "labels": {"x": None, "y": 1}}, {"text": "a", "labels": {"y": 1}}),
        (TrainingIn, {"text": "a", "labels": {"x": None, "y": 1}}, {"text": "a", "labels": {"y": 1}}),
    ],
)
def test_what_is_null_is_not_there(model: type[BaseModel], given: object, same: object) -> None:
    """A table that is written out as JSON lines has every key in every row."""
    assert model.model_validate(given) == model.model_validate(same)

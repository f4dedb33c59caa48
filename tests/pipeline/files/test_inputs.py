"""JSON lines as every command reads them."""

from __future__ import annotations

import io

import pytest

from pipeline.batch.reading.lines import numbered
from pipeline.files.inputs import JudgeIn, json_lines


@pytest.mark.parametrize("blank", ["", " \t", "\u00a0", "\u3000 ", "\ufeff", "\u2003\r"])
def test_a_line_that_looks_blank_is_blank_for_every_command(blank: str) -> None:
    """For a batch and for those that judge and learn: it is no record and no fault, and counts as a line."""
    file = f'\ufeff\n{{"text": "one"}}\n{blank}\n{{"text": "two"}}\n{blank}'.encode()
    assert [line.number for line in numbered(io.BytesIO(file))] == [2, 4]
    assert list(json_lines(io.BytesIO(file), JudgeIn)) == [(2, JudgeIn(text="one")), (4, JudgeIn(text="two"))]

"""A run that did nothing does not stand in the way of the right one, and what is there still may not be replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import BadInput
from pipeline.batch import Input
from tests.pipeline.batch.running import Echo, batch, go, lines, pipeline, prompts


def test_a_slip_in_the_column(tmp_path: Path) -> None:
    """It can be mended, although the column is among what must not change."""
    job = batch(tmp_path, b"", facts={"column": "prompt"})
    table = tmp_path / "in.csv"
    table.write_text("question\nwhy\n")
    with pytest.raises(BadInput, match="with --column: question"):
        go(replace(job, input=Input(str(table))))
    assert go(replace(job, input=Input(str(table), column="question"), facts={"column": "question"})).records == 1


def test_a_first_record_that_strict_refused(tmp_path: Path) -> None:
    """It can be mended in the input: nothing of it is kept."""
    with pytest.raises(BadInput, match="line 1"):
        go(batch(tmp_path, lines({"id": 1}), strict=True))
    assert go(batch(tmp_path, lines({"id": 1, "prompt": "a"}), strict=True)).statuses == {"released": 1}


def test_what_came_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """Beginning anew for want of a record is no leave to replace."""
    job = batch(tmp_path, prompts(2), facts={"seed": 1})
    with pytest.raises(KeyboardInterrupt):
        go(job, pipeline(Echo(stop_after=0)))
    job.output.path.write_text("precious")
    with pytest.raises(BadInput, match="is there already"):
        go(replace(job, facts={"seed": 2}))
    assert job.output.path.read_text() == "precious"


def test_an_empty_output_that_is_out_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was to be done, and that is done: the run was killed before its journal was gone."""
    job = batch(tmp_path, b"", facts={"seed": 1})
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.batch.keeping.journal.Journal.remove", lambda _: None)
        go(job)
    before = job.output.path.stat().st_ino
    assert go(job).records == 0
    assert job.output.path.stat().st_ino == before

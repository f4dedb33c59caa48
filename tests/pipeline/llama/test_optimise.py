from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipeline import ModelUnusable, OutputFault, embedded
from pipeline.llama import LlamaContext, compared, requantised
from pipeline.llama.measure import perplexity
from pipeline.llama.passage import PASSAGE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own."""
    return tmp_path_factory.mktemp("models")


def test_a_model_is_requantised_once_and_kept_whole(folder: Path) -> None:
    """The second call finds the first one's file, and nothing unfinished lies beside it."""
    made = requantised(embedded.weights(), "q8_0", folder)
    stamp = made.stat().st_mtime_ns
    assert requantised(embedded.weights(), "q8_0", folder) == made
    assert made.stat().st_mtime_ns == stamp
    assert list(folder.iterdir()) == [made]


def test_both_forms_are_measured_in_one_run(folder: Path) -> None:
    """Sizes, speeds with their spread, and perplexities, of which q8_0's is the original's within a hundredth."""
    pair = (embedded.weights(), requantised(embedded.weights(), "q8_0", folder))
    before, after = compared(pair, rounds=2)
    for figures in (before, after):
        assert figures.size == figures.path.stat().st_size
        for speed in (figures.reading, figures.writing):
            assert 0 < speed.lowest <= speed.median <= speed.highest
    assert after.perplexity == pytest.approx(before.perplexity, rel=0.01)


def test_perplexity_is_that_of_the_probabilities_read_one_by_one(model: LlamaContext) -> None:
    """The mean surprise over the passage's first words, worked out token after token."""
    ids = model.tokenise(PASSAGE, False)[:12]
    surprises = [-math.log(model.next_probabilities(ids[:i])[ids[i]]) for i in range(1, len(ids))]
    expected = math.exp(sum(surprises) / len(surprises))
    assert perplexity(model, ids) == pytest.approx(expected, rel=0.05)


def test_what_cannot_be_converted_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file that is no model is an error, and its half-written copy is removed."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ModelUnusable, match="cannot write"):
        requantised(broken, "q8_0", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(OutputFault, match="cache cannot be written"):
        requantised(embedded.weights(), "q8_0", tmp_path / "cache")

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from pipeline import ModelUnusable, OutputFault, embedded
from pipeline.llama import LlamaModel, compared, faster_form, requantised
from pipeline.llama.engine import THREAD, LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.optimise import first_use
from pipeline.llama.optimise.measure import perplexity
from pipeline.llama.optimise.passage import PASSAGE


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


def test_perplexity_is_that_of_the_probabilities_read_one_by_one(model: LlamaModel) -> None:
    """The mean surprise over the passage's first words, worked out token after token."""
    device = LlamaDevice(model, cells=256)
    ids = model.tokenise(PASSAGE, False)[:80]
    surprises = []
    for position, token in enumerate(ids[:-1]):
        device.decode([Row(token, position, 0, True)])
        surprises.append(-math.log(device.probabilities(0)[ids[position + 1]]))
    assert perplexity(device, ids) == pytest.approx(math.exp(sum(surprises) / len(surprises)), rel=0.05)
    device.close()


@pytest.mark.parametrize(("worth", "stem"), [(0.01, "q8_0"), (1000.0, "Q4_1")])
def test_the_faster_form_is_used_where_it_pays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, worth: float, stem: str
) -> None:
    """It is measured once: what was found out is read from then on."""
    monkeypatch.setattr(first_use, "WORTH", worth)
    form = faster_form(embedded.weights(), folder)
    assert form.stem.lower().endswith(stem.lower())
    monkeypatch.setattr(first_use, "_gain", lambda before, after: pytest.fail("measured again"))
    assert faster_form(embedded.weights(), folder) == form


def test_the_first_use_is_measured_where_engines_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second thread that computes would slow down every engine of the process from then on."""
    names: list[str] = []

    def gain(before: Path, after: Path) -> float:
        names.append(threading.current_thread().name)
        return 1.0

    monkeypatch.setattr(first_use, "_gain", gain)
    assert faster_form(embedded.weights(), tmp_path) == embedded.weights()
    assert names == [THREAD]


def test_a_note_that_was_cut_short_is_written_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line of JSON says nothing."""
    monkeypatch.setattr(first_use, "_gain", lambda before, after: 2.0)
    (note,) = folder.glob("*.json")
    note.write_text('{"read')
    assert faster_form(embedded.weights(), folder) != embedded.weights()
    assert note.read_text() == '{"reading": 2.0}'


def test_without_a_place_to_keep_it_the_model_is_used_as_it_is(tmp_path: Path) -> None:
    """A read-only home is no reason not to answer."""
    (tmp_path / "file").write_text("")
    assert faster_form(embedded.weights(), tmp_path / "file") == embedded.weights()


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

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader

from pipeline import ModelFault, ModelUnusable, OutputFault
from pipeline.assembly import embedded
from pipeline.llama import LlamaModel, compared, faster_form, requantised
from pipeline.llama.engine import THREAD, LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.worker import worker
from pipeline.llama.model import quiet_api
from pipeline.llama.optimise import first_use, requantise
from pipeline.llama.optimise.importance import Importance, importance
from pipeline.llama.optimise.measure import perplexity
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.machine import control_groups


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


def test_what_a_power_cut_has_left_of_one_is_made_anew(folder: Path) -> None:
    """A name and nothing in it; and so that it does not come to that, what is written is on the disk first."""
    made = requantised(embedded.weights(), "q8_0", folder)
    size = made.stat().st_size
    for left in (b"", b"\0" * 4096):
        made.write_bytes(left)
        assert requantised(embedded.weights(), "q8_0", folder) == made
        assert made.stat().st_size == size


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    monkeypatch.setattr(os, "fsync", lambda file: order.append("synced"))
    monkeypatch.setattr(os, "replace", lambda path, target: order.append("named"))
    requantised(embedded.weights(), "q8_0", tmp_path)
    assert order == ["synced", "named"]


def test_it_is_written_with_the_cores_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container with a limit as well: llama.cpp by itself counts the machine's."""
    found: list[int] = []

    def quantised(source: bytes, target: bytes, options: Any) -> int:
        found.append(options._obj.nthread)
        return 0

    monkeypatch.setattr(quiet_api(), "llama_model_quantize", quantised)
    monkeypatch.setattr(control_groups, "cores", lambda: 1.0)
    for threads in (None, 3):
        requantised(embedded.weights(), "q8_0", tmp_path, threads=threads)
    assert found == [1, 3]


def test_whoever_may_read_what_the_user_writes_may_read_it(folder: Path, tmp_path: Path) -> None:
    """As in a cache folder that was filled for others: a container's image, by another user than the one it runs as."""
    (tmp_path / "other").touch()
    made = requantised(embedded.weights(), "q8_0", folder)
    assert made.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_both_forms_are_measured_in_one_run(folder: Path) -> None:
    """Sizes, speeds with their spread, and perplexities, of which q8_0's is the original's within a hundredth."""
    pair = (embedded.weights(), requantised(embedded.weights(), "q8_0", folder))
    before, after = compared(pair, rounds=2)
    for figures in (before, after):
        assert figures.size == figures.path.stat().st_size
        for speed in (figures.reading, figures.writing):
            assert 0 < speed.lowest <= speed.median <= speed.highest
    assert after.perplexity == pytest.approx(before.perplexity, rel=0.01)


def test_four_bits_are_for_the_feed_forward_matrices_alone(four_bits: Path) -> None:
    """And are chosen with care: without, perplexity is seven hundredths higher."""
    before = embedded.weights()
    assert kinds(four_bits) == {("ffn_gate", "IQ4_NL"), ("ffn_up", "IQ4_NL"), ("ffn_down", "Q4_K"), ("", "Q8_0")}
    perplexities = []
    for path in (before, four_bits):
        model = LlamaModel(path)
        device = LlamaDevice(model, cells=1024)
        perplexities.append(perplexity(device, model.tokenise(PASSAGE, False)))
        device.close()
    assert perplexities[1] < 1.03 * perplexities[0]


@dataclass(frozen=True)
class Rejected:
    """A first use as `iq4_nl` that is found no faster, of inputs of which nobody knows how much they count."""

    form: Path
    computed: list[tuple[str, str]]
    """What was computed, and in which thread."""
    told: str


@pytest.fixture(scope="module")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> Rejected:
    computed: list[tuple[str, str]] = []

    def noted(what: str) -> None:
        computed.append((what, threading.current_thread().name))

    def counts(model: LlamaModel, *, threads: int | None) -> Importance:
        noted("counts")
        return {}

    def gain(before: Path, after: Path) -> float:
        noted(after.stem.rpartition("-")[2])
        return 2.0 if after.stem.endswith("q8_0") else 1.0

    told = StringIO()
    handler = logging.StreamHandler(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requantise, "importance", counts)
        patch.setattr(first_use, "_gain", gain)
        logging.getLogger("superego").addHandler(handler)
        try:
            form = faster_form(embedded.weights(), tmp_path_factory.mktemp("rejected"), kind="iq4_nl")
        finally:
            logging.getLogger("superego").removeHandler(handler)
    return Rejected(form, computed, told.getvalue())


def kinds(path: Path) -> set[tuple[str, str]]:
    """Of the feed-forward matrices by their names, and of all others."""
    named = [(tensor.name.split(".")[-2], tensor) for tensor in GGUFReader(path).tensors if len(tensor.shape) == 2]
    return {(name if name.startswith("ffn_") else "", tensor.tensor_type.name) for name, tensor in named}


def test_blocks_of_256_are_for_matrices_that_are_known_to_have_them(rejected: Rejected) -> None:
    (made,) = rejected.form.parent.glob("*-iq4_nl.gguf")
    assert kinds(made) == {("ffn_gate", "IQ4_NL"), ("ffn_up", "IQ4_NL"), ("ffn_down", "IQ4_NL"), ("", "Q8_0")}
    rows = {f"blk.{layer}.ffn_down.weight": np.ones(width, np.float32) for layer, width in enumerate((1536, 1600))}
    assert not requantise._fits_q4_k(rows)


def test_what_comes_in_is_squared_and_averaged(model: LlamaModel, decoded: list[tuple[Row, ...]]) -> None:
    """What a norm gives to the matrices behind it has a mean square of 1 in each row, before its weights. All rows are
    wanted: the last layer works out no others."""
    found = importance(model)
    assert [(row.position, row.wanted) for batch in decoded for row in batch] == [
        (place, True) for place in range(1024)
    ]
    layers = range(30)
    matrices = ("ffn_gate", "ffn_up", "ffn_down")
    assert set(found) == {f"blk.{layer}.{matrix}.weight" for layer in layers for matrix in matrices}
    norms = {tensor.name: tensor.data for tensor in GGUFReader(embedded.weights()).tensors}
    for layer in layers:
        behind = found[f"blk.{layer}.ffn_up.weight"]
        assert np.mean(behind / norms[f"blk.{layer}.ffn_norm.weight"] ** 2) == pytest.approx(1, abs=0.001)
        assert (found[f"blk.{layer}.ffn_gate.weight"] == behind).all()
        assert found[f"blk.{layer}.ffn_down.weight"].shape == (1536,)
        assert (found[f"blk.{layer}.ffn_down.weight"] > 0).all()


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


def test_the_first_use_is_measured_where_engines_compute(rejected: Rejected) -> None:
    """A second thread that computes would slow down every engine of the process from then on."""
    assert rejected.computed == [("counts", THREAD), ("iq4_nl", THREAD), ("q8_0", THREAD)]


def test_what_others_do_meanwhile_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is kept, so it must not hang on who had the cores just then: here, at all turns of the second."""
    decode, devices = LlamaDevice.decode, list[LlamaDevice]()

    def late(device: LlamaDevice, rows: Sequence[Row]) -> None:
        if device not in devices:
            devices.append(device)
        if device in devices[1:]:
            time.sleep(1.0)
        decode(device, rows)

    monkeypatch.setattr(LlamaDevice, "decode", late)
    gain = worker.run(lambda: first_use._gain(embedded.weights(), embedded.weights()))
    assert 0.7 < gain < 1.4


def test_a_form_that_does_not_pay_makes_room_for_another(rejected: Rejected) -> None:
    """And says so."""
    assert rejected.form.stem.endswith("q8_0")
    assert "only 1.0 times as fast" in rejected.told


def test_a_fault_or_an_interrupt_while_llama_cpp_is_at_it_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: list[LlamaDevice]
) -> None:
    """And nothing is kept of a text that was read in part, nor the context."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.llama.optimise.importance.np.square", interrupted)
    with pytest.raises(KeyboardInterrupt):
        requantised(embedded.weights(), "iq4_nl", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(closed) == 1


def test_where_measuring_fails_the_model_is_used_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, closed: list[LlamaDevice]
) -> None:
    """And no context is left behind."""

    def fail(device: LlamaDevice, ids: Sequence[int], **_: object) -> float:
        raise ModelFault("it cannot be read")

    monkeypatch.setattr(first_use, "reading_speed", fail)
    monkeypatch.setattr(first_use, "_noted", lambda note: None)
    assert faster_form(embedded.weights(), folder) == embedded.weights()
    assert len(closed) == 2


def test_a_note_that_was_cut_short_is_written_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line of JSON says nothing."""
    monkeypatch.setattr(first_use, "_gain", lambda before, after: 2.0)
    (note,) = folder.glob("*.json")
    note.write_text('{"read')
    assert faster_form(embedded.weights(), folder) != embedded.weights()
    assert note.read_text() == '{"gain_of_one_thread": 2.0}'


def test_what_did_not_pay_by_llama_cpps_products_is_measured_by_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is remembered, whoever asks in between."""
    gains = [1.1, 2.0]
    monkeypatch.setattr(first_use, "_gain", lambda before, after: gains.pop(0))
    for ours in (False, True, False, True):
        monkeypatch.setattr(first_use, "attached", lambda ours=ours: ours)
        assert (faster_form(embedded.weights(), tmp_path) != embedded.weights()) == ours


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

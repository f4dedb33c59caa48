"""What pays on a machine, found out once."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.assembly import embedded
from pipeline.errors import ModelFault
from pipeline.llama import LlamaModel, Pace, pace
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.worker import THREAD
from pipeline.llama.optimise import pacing
from pipeline.llama.optimise.pacing import Taken, _Times
from tests.pipeline.llama.engine.odd_weights import write_weights

QUICK = Taken(flash=0.005, plain=0.005, by_one=0.006, by_all=0.005, tile=0.07)
"""As on a Zen 5."""
XEON = Taken(flash=0.0253, plain=0.0206, by_one=0.0205, by_all=0.0117, tile=0.144)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Taken]:
    """What is measured, one time after the other."""
    given: list[Taken] = []
    monkeypatch.setattr(pacing, "_taken", lambda model, threads, known: given.pop(0))
    return given


@pytest.mark.parametrize(
    ("measured", "found"),
    [
        (QUICK, Pace(flash=True, along=True)),
        (XEON, Pace(flash=False, along=False)),
        # 28 tokens by one thread must not lose what it takes to read a tile.
        (Taken(0.005, 0.005, 0.0075, 0.005, 0.071), Pace(flash=True, along=True)),
        (Taken(0.005, 0.005, 0.0075, 0.005, 0.069), Pace(flash=True, along=False)),
        # Several writers are the better for it, so it may take a tenth longer.
        (Taken(0.00549, 0.005, 0.006, 0.005, 0.07), Pace(flash=True, along=True)),
        (Taken(0.00551, 0.005, 0.006, 0.005, 0.07), Pace(flash=False, along=True)),
        # Beside others the clock says nothing.
        (replace(QUICK, by_one=0.02, quiet=False), Pace(flash=True, along=True)),
        (replace(XEON, by_one=0.03, by_all=0.24, tile=2.7, quiet=False), Pace(flash=False, along=False)),
    ],
)
def test_what_pays_is_told_by_what_it_takes(measured: Taken, found: Pace) -> None:
    assert measured.pace == found


def test_it_is_measured_once(tmp_path: Path, model: LlamaModel, taken: list[Taken]) -> None:
    """For each number of threads on each machine; a note that was cut short is written again."""
    taken.append(XEON)
    assert pace(model, 2, tmp_path) == pace(model, 2, tmp_path) == XEON.pace
    (note,) = tmp_path.iterdir()
    taken.append(QUICK)
    assert pace(model, 1, tmp_path) == pace(model, 1, tmp_path) == QUICK.pace
    assert pace(model, 2, tmp_path) == XEON.pace
    note.write_text(note.read_text()[:-9])
    taken.append(XEON)
    assert pace(model, 2, tmp_path) == XEON.pace
    assert json.loads(note.read_text())["taken"]["tile"] == XEON.tile


def test_and_again_with_another_build_of_llama_cpp(
    tmp_path: Path, model: LlamaModel, taken: list[Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same version, or of our products: other flags, other times."""

    class Installed:
        version = "0.3.36"
        record = "libggml-cpu.so,sha256=one,9"

        def read_text(self, name: str) -> str | None:
            return self.record if name == "RECORD" else None

    installed, products = Installed(), tmp_path / "libproducts.so"
    monkeypatch.setattr(pacing, "distribution", lambda name: installed)
    monkeypatch.setattr(pacing, "attached", products.is_file)
    monkeypatch.setattr(pacing, "LIBRARY", products)
    taken += [XEON, QUICK, QUICK, QUICK]
    assert pace(model, 2, tmp_path) == pace(model, 2, tmp_path) == XEON.pace
    installed.record = "libggml-cpu.so,sha256=two,9"
    assert pace(model, 2, tmp_path) == QUICK.pace
    installed.record = "libggml-cpu.so,sha256=one,9"
    assert pace(model, 2, tmp_path) == XEON.pace
    for ours in ("one", "two"):
        products.write_text(ours)
        assert pace(model, 2, tmp_path) == QUICK.pace
    assert not taken


def test_what_was_measured_while_others_were_at_work_is_measured_again(
    tmp_path: Path, model: LlamaModel, taken: list[Taken]
) -> None:
    """Not for ever. The processor's time is right at once; by the clock nothing is known."""
    busy, quiet = replace(XEON, quiet=False), replace(XEON, tile=0.5)
    taken += [busy, quiet]
    assert pace(model, 2, tmp_path / "once") == Pace(flash=False, along=False)
    assert [pace(model, 2, tmp_path / "once") for _ in range(2)] == [Pace(flash=False, along=True)] * 2
    taken += [busy] * 4
    assert [pace(model, 2, tmp_path / "always") for _ in range(5)] == [busy.pace] * 5
    assert len(taken) == 1
    assert [pace(model, 8, tmp_path) for _ in range(3)] == [busy.pace] * 3  # nobody would read along
    assert not taken


@pytest.mark.usefixtures("taken")
def test_without_a_place_to_keep_it_nothing_is_measured(tmp_path: Path, model: LlamaModel) -> None:
    """Else a seed might not repeat."""
    (tmp_path / "file").write_text("")
    assert pace(model, 2, tmp_path / "file") == Pace()


def test_nor_on_a_gpu(tmp_path: Path, model: LlamaModel, taken: list[Taken], monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        @staticmethod
        def llama_supports_gpu_offload() -> bool:
            return True

    taken.append(XEON)
    monkeypatch.setattr(pacing, "quiet_api", Api)
    assert pace(model, 2, tmp_path) == Pace()
    assert taken
    assert not list(tmp_path.iterdir())


def test_real_weights_are_measured_where_engines_compute(
    model: LlamaModel, monkeypatch: pytest.MonkeyPatch, closed: list[LlamaDevice], tmp_path: Path
) -> None:
    """Both ways in the same conversation, and no context is left behind."""
    threads, reads = set[str](), dict[LlamaDevice, list[int]]()
    decode = LlamaDevice.decode

    def noted(device: LlamaDevice, rows: Sequence[Row]) -> None:
        threads.add(threading.current_thread().name)
        reads.setdefault(device, []).append(len(rows))
        decode(device, rows)

    monkeypatch.setattr(LlamaDevice, "decode", noted)
    monkeypatch.setattr(pacing, "_LONGEST", math.inf)
    found = pace(model, 2, tmp_path)
    assert threads == {THREAD}
    flash, plain = reads.values()
    assert [rows for rows in flash if rows != 64] == plain
    assert flash.count(64) == 5
    assert set(reads) <= set(closed)
    (note,) = tmp_path.iterdir()
    told = json.loads(note.read_text())
    assert Taken(**told["taken"]).pace == found
    assert all(0 < told["taken"][name] < 60 for name in ("flash", "plain", "by_one", "by_all", "tile"))


@pytest.mark.parametrize("threads", [1, 2])
def test_others_at_work_are_noticed(threads: int) -> None:
    """By threads that had to wait for a processor."""
    times = _Times()
    times._clock, times._process = [0.010, 0.011, 0.030], [threads * 0.010] * 3
    assert not times.busy(threads)
    times._clock[1] = 0.013
    assert times.busy(threads)


def test_the_processors_time_stays_what_it_was(model: LlamaModel) -> None:
    """Else a seed would not repeat from one try to the next."""
    known = replace(XEON, quiet=False)
    taken = pacing._taken(model, 2, known)
    assert (taken.flash, taken.plain) == (known.flash, known.plain)
    assert taken.tile != known.tile


def test_what_was_known_stays_where_it_cannot_be_measured_again(
    tmp_path: Path, model: LlamaModel, taken: list[Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = replace(XEON, quiet=False)
    taken.append(busy)
    pace(model, 2, tmp_path)
    monkeypatch.setattr(Path, "touch", lambda _: (_ for _ in ()).throw(OSError("read-only")))
    assert pace(model, 2, tmp_path) == busy.pace


def test_large_weights_are_used_as_on_most_machines(
    tmp_path: Path, model: LlamaModel, taken: list[Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LARGEST", 50_000_000)
    taken.append(XEON)
    assert pace(model, 2, tmp_path) == Pace()
    assert taken


def test_with_slow_weights_one_round_does(model: LlamaModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiles = []
    take = _Times.take

    def noted(times: _Times, device: LlamaDevice, batches: Sequence[Sequence[int]]) -> None:
        tiles.extend([batch for batch in batches if len(batch) == 64])
        take(times, device, batches)

    monkeypatch.setattr(_Times, "take", noted)
    monkeypatch.setattr(pacing, "_LONGEST", 0.0)
    pace(model, 2, tmp_path)
    assert len(tiles) == 1


def test_a_model_whose_sequences_cannot_be_cut_is_used_as_on_most_machines(tmp_path: Path) -> None:
    write_weights(tmp_path / "odd.gguf", "mamba")
    assert pace(LlamaModel(tmp_path / "odd.gguf"), 1, tmp_path / "notes") == Pace()
    assert not (tmp_path / "notes").exists()


def test_where_it_cannot_be_measured_the_model_is_used_all_the_same(
    tmp_path: Path, model: LlamaModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where memory does not do for two contexts more."""

    def full(*_: object, **__: object) -> None:
        raise ModelFault("it does not fit")

    monkeypatch.setattr(pacing, "LlamaDevice", full)
    assert pace(model, 2, tmp_path) == Pace()
    assert f"{embedded.weights().stem} is used as on most machines: it does not fit" in caplog.text

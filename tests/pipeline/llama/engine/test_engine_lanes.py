"""Sequences with cells of their own, on the embedded weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from critics import Message
from pipeline.assembly import embedded
from pipeline.errors import ModelFault
from pipeline.llama.engine import Adapter, Engine, Generation, LlamaDevice, Sampling
from pipeline.llama.engine import lanes as lanes_module
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.lanes import LENGTH, LanedDevice
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.parting import TOGETHER
from pipeline.llama.model import LlamaModel
from pipeline.settings.settings import GeneratorSettings
from tests.pipeline.llama.engine.lora_file import write_lora

LANES = 4
PROMPTS = ("The sea is", "Once there was a mill", "In the morning", "Two and two make")
WORDS = tuple(range(1000, 1040))


@pytest.fixture(scope="module")
def weights() -> LlamaModel:
    return LlamaModel(embedded.weights())


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "free_bytes", lambda: 1 << 50)


@pytest.fixture
def device(weights: LlamaModel) -> Iterator[LanedDevice]:
    with closing(LanedDevice(weights, lanes=LANES, cells=1024, sequences=16, threads=1, batch=64)) as made:
        yield made


def read(device: LlamaDevice, sequence: int, tokens: list[int], start: int = 0) -> None:
    device.decode([Row(token, place, sequence, False) for place, token in enumerate(tokens, start)])


def begin(device: LlamaDevice) -> list[int]:
    """Each prompt in its sequence; how many tokens each has."""
    lengths = []
    for sequence, prompt in enumerate(PROMPTS):
        ids = device._model.tokenise(prompt, False)
        read(device, sequence, ids)
        lengths.append(len(ids))
    return lengths


def step(device: LlamaDevice, places: dict[int, int], word: int) -> dict[int, npt.NDArray[np.float32]]:
    """One token more in each of these sequences, at these places; what comes after it in each."""
    device.decode([Row(word + sequence, place, sequence, True) for sequence, place in places.items()])
    return {sequence: device.logits(index).copy() for index, sequence in enumerate(places)}


def steps(device: LlamaDevice, lengths: list[int], count: int, leaving: dict[int, int] | None = None) -> list[Any]:
    """What comes after each of so many tokens; `leaving` says after how many a sequence ends."""
    found = []
    for number in range(count):
        going = [seq for seq in range(len(lengths)) if number < (leaving or {}).get(seq, count)]
        found.append(step(device, {seq: lengths[seq] + number for seq in going}, WORDS[number]))
        for seq, last in (leaving or {}).items():
            if last == number + 1 and isinstance(device, LanedDevice) and device._before:
                assert device.rejoin(seq)
    return found


def same(some: list[Any], others: list[Any]) -> bool:
    return all(
        one.keys() == other.keys() and all(np.array_equal(one[seq], other[seq]) for seq in one)
        for one, other in zip(some, others, strict=True)
    )


def plain(weights: LlamaModel, count: int, leaving: dict[int, int] | None = None) -> list[Any]:
    with closing(LlamaDevice(weights, cells=1024, sequences=16, threads=1, batch=64)) as shared:
        return steps(shared, begin(shared), count, leaving)


def test_a_row_says_the_same_to_the_last_bit(device: LanedDevice, weights: LlamaModel) -> None:
    """In a lane as among the others, where those lie in the same order."""
    lengths = begin(device)
    assert all(device.part(seq, length) for seq, length in enumerate(lengths))
    assert same(steps(device, lengths, 12), plain(weights, 12))


def test_so_it_does_without_flash_attention_but_for_rounding(weights: LlamaModel) -> None:
    """Where cells are kept otherwise, on the way there and back too."""
    options: dict[str, Any] = {"cells": 1024, "sequences": 16, "threads": 1, "batch": 64, "flash": False}
    with (
        closing(LanedDevice(weights, lanes=LANES, **options)) as device,
        closing(LlamaDevice(weights, **options)) as shared,
    ):
        lengths = begin(shared)
        begin(device)
        assert all(device.part(seq, length) for seq, length in enumerate(lengths))
        found, expected = (steps(made, lengths, 9, {0: 3, 2: 5}) for made in (device, shared))
        assert device._lanes == [3, 1]
        for made, results in ((device, found), (shared, expected)):  # who has come back goes on among the others
            results.append(step(made, {0: lengths[0] + 3}, WORDS[9]))
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(np.corrcoef(one[seq], other[seq])[0, 1] > 0.998 for seq in one)


def test_adapters_are_in_force_there_too(device: LanedDevice, weights: LlamaModel, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    name, width, outputs = "blk.3.attn_q.weight", 576, 576
    pair = {f"{name}.lora_a": rng.normal(size=(2, width)), f"{name}.lora_b": rng.normal(size=(outputs, 2))}
    write_lora(tmp_path / "lora.gguf", {key: value.astype(np.float32) for key, value in pair.items()}, alpha=4.0)
    with closing(LlamaDevice(weights, cells=1024, sequences=16, threads=1, batch=64)) as shared:
        for made in (device, shared):
            made.use((Adapter(tmp_path / "lora.gguf", 0.5),))
        lengths = begin(device)
        assert all(device.part(seq, length) for seq, length in enumerate(lengths))
        assert same(found := steps(device, lengths, 4), steps(shared, begin(shared), 4))
    assert not same(found, plain(weights, 4))


def test_lanes_that_are_left_are_filled_up(device: LanedDevice, weights: LlamaModel) -> None:
    """So that llama.cpp reads those who stay in one batch, and each goes on where it was."""
    lengths = begin(device)
    assert all(device.part(seq, length) for seq, length in enumerate(lengths))
    leaving = {0: 3, 2: 5}
    assert same(steps(device, lengths, 9, leaving), plain(weights, 9, leaving))
    assert device._lanes == [3, 1]


def test_rows_come_back_in_the_order_in_which_they_were_given(
    device: LanedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lanes they are in."""
    lengths = begin(device)
    for seq in (2, 0, 3, 1):
        assert device.part(seq, lengths[seq])
    one = step(device, {seq: lengths[seq] for seq in (0, 1, 2, 3)}, WORDS[0])
    for seq in range(4):
        device.rejoin(seq)
        device.remove(seq, lengths[seq])
        assert device.part(seq, lengths[seq])
    given: list[Row] = []
    beside = device._beside
    assert beside is not None
    decode = beside.decode

    def noted(rows: list[Row]) -> None:
        given.extend(rows)
        decode(rows)

    monkeypatch.setattr(beside, "decode", noted)
    other = step(device, {seq: lengths[seq] for seq in (3, 1, 0, 2)}, WORDS[0])
    assert [row.sequence for row in given] == [0, 1, 2, 3]  # or it would be several batches to llama.cpp
    assert all(np.array_equal(one[seq], other[seq]) for seq in range(4))


def test_what_was_written_apart_comes_back(device: LanedDevice, weights: LlamaModel) -> None:
    """To the last bit what it would be if it had never been away."""
    lengths = begin(device)
    for seq, length in enumerate(lengths):
        assert device.part(seq, length)
    steps(device, lengths, 6)
    assert all(device.rejoin(seq) for seq in range(4))
    with closing(LlamaDevice(weights, cells=1024, sequences=16, threads=1, batch=64)) as shared:
        begin(shared)
        steps(shared, lengths, 6)
        assert all(np.array_equal(device.save(seq), shared.save(seq)) for seq in range(4))


def test_cells_that_others_share_stay_shared(device: LanedDevice) -> None:
    """What a sequence had in common before it parted it has in common afterwards: no cell is kept twice."""
    ids = device._model.tokenise("A long beginning that everybody shares, word for word.", False)
    read(device, 0, ids)
    one = device.size()
    device.copy(0, 1, 0, len(ids))
    assert device.part(1, len(ids))
    step(device, {1: len(ids)}, WORDS[0])
    assert device.rejoin(1)
    step(device, {2: 0}, WORDS[0])
    device.remove(1)
    device.remove(2)
    assert device.size() == one


def test_there_are_so_many_lanes(device: LanedDevice) -> None:
    ids = device._model.tokenise("The sea", False)
    for seq in range(LANES + 1):
        read(device, seq, ids)
    assert [device.part(seq, len(ids)) for seq in range(LANES + 1)] == [True] * LANES + [False]
    device.rejoin(2)
    assert device.part(LANES, len(ids))


def test_a_lane_is_full_to_its_last_cell(device: LanedDevice) -> None:
    """And nobody parts who would find it full."""
    ids = device._model.tokenise("word " * LENGTH, False)[:LENGTH]
    for start in range(0, len(ids), 64):
        read(device, 0, ids[start : start + 64], start)
    assert not device.part(0, LENGTH)
    assert device._beside is None
    device.remove(0, LENGTH - 3)
    assert device.part(0, LENGTH - 3)
    for place in range(LENGTH - 3, LENGTH):
        step(device, {0: place}, WORDS[place % 3])
    assert device.rejoin(0)


def test_who_comes_back_needs_no_more_cells_than_it_wrote(weights: LlamaModel) -> None:
    """So many are kept for it among the others, which may hold all the rest."""
    with closing(LanedDevice(weights, lanes=LANES, cells=256, sequences=16, threads=1, batch=64)) as small:
        ids = weights.tokenise("word " * 125, False)[:125]
        for seq in range(2):
            for start in range(0, len(ids), 64):
                read(small, seq, ids[start : start + 64], start)
        assert small.part(0, 125)
        for place in range(125, 131):
            step(small, {0: place}, WORDS[0])
        assert small.rejoin(0)
        with pytest.raises(ModelFault):
            step(small, {1: 125}, WORDS[0])  # all are in use now


def test_what_is_read_among_the_others_is_answered_from_there(device: LanedDevice, weights: LlamaModel) -> None:
    """Also right after a batch in the lanes, whose rows came in another order."""
    lengths = begin(device)
    for seq in (2, 1, 0):
        assert device.part(seq, lengths[seq])
    step(device, {seq: lengths[seq] for seq in range(3)}, WORDS[0])
    found = step(device, {3: lengths[3]}, WORDS[1])
    with closing(LlamaDevice(weights, cells=1024, sequences=16, threads=1, batch=64)) as shared:
        begin(shared)
        step(shared, {seq: lengths[seq] for seq in range(3)}, WORDS[0])
        assert same([found], [step(shared, {3: lengths[3]}, WORDS[1])])


def test_after_a_failed_batch_all_lanes_are_free(device: LanedDevice, weights: LlamaModel) -> None:
    lengths = begin(device)
    assert all(device.part(seq, length) for seq, length in enumerate(lengths))
    steps(device, lengths, 2)
    device.clear()
    lengths = begin(device)
    assert all(device.part(seq, length) for seq, length in enumerate(lengths))
    assert same(steps(device, lengths, 3), plain(weights, 3))


def test_lanes_are_computed_with_as_many_threads(weights: LlamaModel) -> None:
    with closing(LanedDevice(weights, lanes=LANES, cells=512, sequences=16, threads=2, batch=64)) as device:
        (length, *_) = begin(device)
        assert device.part(0, length)
        assert device._beside is not None
        for share, threads in ((Share.REST, 1), (Share.ALL, 2)):
            device.compute_with(share)
            assert llama_cpp.llama_n_threads(device._beside._context) == threads


def test_without_memory_nobody_parts(device: LanedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """They write where they are, and it is not tried again."""
    (length, *_) = begin(device)
    per_cell = device.saved_size(0) // length
    monkeypatch.setattr(lanes_module, "free_bytes", lambda: LANES * LENGTH * per_cell * 16 - 1)
    assert not device.part(0, length)
    assert device.lane == 0
    monkeypatch.setattr(lanes_module, "free_bytes", lambda: 1 << 50)
    assert not device.part(0, length)


def test_another_format_is_found_out(device: LanedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a llama.cpp to come: nothing is lost."""
    (length, *_) = begin(device)
    save = LlamaDevice.save_into

    def newer(self: LlamaDevice, sequence: int, data: npt.NDArray[np.uint8]) -> None:
        save(self, sequence, data)
        data[:4] = 7

    monkeypatch.setattr(LlamaDevice, "save_into", newer)
    assert not device.part(0, length)
    assert (device.lane, device._beside) == (0, None)
    assert step(device, {0: length}, WORDS[0])


def test_what_does_not_come_back_is_where_it_parted(device: LanedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = begin(device)
    for seq in range(2):
        assert device.part(seq, lengths[seq])
    step(device, {seq: lengths[seq] for seq in range(2)}, WORDS[0])
    with monkeypatch.context() as patch:
        patch.setattr(LlamaDevice, "restore", lambda *_: False)
        assert not device.rejoin(0)
    step(device, {0: lengths[0]}, WORDS[1])  # llama.cpp refuses a token that is not the next
    assert device.rejoin(1)


def test_on_a_gpu_nobody_parts(weights: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    with closing(LanedDevice(weights, lanes=LANES, cells=512, sequences=16, threads=1, batch=64)) as device:
        assert device.lane == 0
        assert device.cells == 512


def test_both_contexts_are_freed(device: LanedDevice) -> None:
    (length, *_) = begin(device)
    assert device.part(0, length)
    beside = device._beside
    assert beside is not None
    device.close()
    device.close()
    assert (device._context, beside._context) == (None, None)


def test_an_engine_gives_its_writers_lanes(weights: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many at the same time on, with as many tokens as a draft may have if nobody says otherwise; who goes on
    from what one of them wrote reads it no more."""
    parted: list[bool] = []
    part = LanedDevice.part

    def noted(device: LanedDevice, sequence: int, tokens: int) -> bool:
        parted.append(part(device, sequence, tokens))
        return parted[-1]

    monkeypatch.setattr(LanedDevice, "part", noted)
    with closing(Engine(weights, context=1024, cells=8192, threads=1)) as engine:
        prompts = [
            tuple(weights.prompt([Message("user", f"Tell me of {number} ships.")])) for number in range(TOGETHER)
        ]
        on = Sampling(bias={token: -1e9 for token in range(weights.vocabulary_size) if weights.ends(token)})
        writings = [engine.generate(Generation(prompt, GeneratorSettings().max_tokens, on)) for prompt in prompts]
        for writing in writings:
            assert len(list(islice(writing, 20))) == 20
            writing.cancel()
        assert parted == [True] * TOGETHER
        before = engine.counts.reused
        whole = (*prompts[3], *writings[3].tokens[:20])
        list(engine.generate(Generation((*whole, *weights.tokenise(" And then", False)), 2)))
        assert engine.counts.reused - before >= len(whole) - 1

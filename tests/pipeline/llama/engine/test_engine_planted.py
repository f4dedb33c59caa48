"""Prefixes whose cells come from outside, over the stand-in for llama.cpp's cache."""

from __future__ import annotations

import random

import pytest

from pipeline.errors import ModelFault
from pipeline.llama.engine.looking import SavingJob
from pipeline.llama.engine.requests import Generation, Saving
from pipeline.llama.engine.scheduler import PLANTED
from tests.pipeline.llama.engine.fake_device import FakeDevice, Rig, got, read_alone, written


def tokens(length: int, seed: int) -> tuple[int, ...]:
    return tuple(random.Random(seed).choices(range(1, 8), k=length))


def rig_with(*prefixes: tuple[int, ...], cells: int = 512) -> Rig:
    rig = Rig(FakeDevice(cells=cells))
    for prefix in prefixes:
        rig.scheduler.plant(prefix, read_alone(prefix))
    return rig


def asked(rig: Rig, prefix: tuple[int, ...], seed: int) -> int:
    """Tokens that are read for a prompt behind the prefix, whose answer is what it must be."""
    before = rig.scheduler.counts.read
    request = Generation((*prefix, *tokens(6, seed)), 4)
    job = rig.write(request)
    rig.finish()
    assert got(job.writing) == written(request)
    rig.check_idle()
    return rig.scheduler.counts.read - before


def test_what_was_planted_is_not_read() -> None:
    """The first prompt of all costs its own tokens alone, and the model says what it would have said."""
    prefix = tokens(40, 1)
    assert asked(rig_with(prefix), prefix, 2) == 5  # the last of six is read as those which are written


def test_what_is_saved_is_read_once_and_can_be_planted() -> None:
    """From one engine to another."""
    prefix, reader = tokens(30, 3), Rig()
    job = SavingJob(Saving(prefix))
    reader.scheduler.add(job)
    reader.finish()
    rig = Rig()
    rig.scheduler.plant(prefix, job.future.result())
    assert asked(rig, prefix, 4) == 5


def test_what_is_known_is_saved_without_reading_a_token() -> None:
    """Of what was read for somebody else, at its end as before it."""
    rig, known = Rig(), tokens(30, 5)
    rig.write(Generation(known, 4))
    rig.finish()
    before = rig.scheduler.counts.read
    for length in (30, 12):
        job = SavingJob(Saving(known[:length]))
        rig.scheduler.add(job)
        rig.step()
        assert job.future.result(timeout=0).tobytes() == read_alone(known[:length]).tobytes()
        rig.check_idle()
    assert rig.scheduler.counts.read == before


def test_those_who_need_no_step_keep_nobody_from_a_token() -> None:
    """No more of them are served in a step than could run."""
    rig, known = Rig(parallel=4), tokens(30, 7)
    rig.write(Generation(known, 4))
    rig.finish()
    writer = rig.write(Generation(tokens(8, 8), 12))
    rig.step(2)
    jobs = [SavingJob(Saving(known)) for _ in range(7)]
    for job in jobs:
        rig.scheduler.add(job)
    for served in (3, 6, 7):
        before = len(writer.writing.tokens)
        rig.step()
        assert sum(job.done for job in jobs) == served
        assert len(writer.writing.tokens) == before + 1


def test_what_cannot_be_saved_fails_alone() -> None:
    """Also where no step would come, and what it held is free."""
    rig, known = Rig(), tokens(30, 6)
    rig.write(Generation(known, 4))
    rig.finish()
    rig.device.fail_save = 1
    job = SavingJob(Saving(known))
    rig.scheduler.add(job)
    rig.step()
    with pytest.raises(ModelFault, match="told not to save"):
        job.future.result(timeout=0)
    rig.check_idle()


def test_planted_prefixes_that_begin_alike_stay_whole() -> None:
    """Two templates begin alike: neither is split, and asking in turn reads neither again."""
    shared = tokens(20, 5)
    one, two = (*shared, *tokens(20, 6)), (*shared, *tokens(20, 7))
    rig = rig_with(one, two)
    assert [asked(rig, prefix, seed) for seed, prefix in enumerate((one, two, one, two))] == [5] * 4
    assert all(
        node.saved is node.planted for node in rig.tree.nodes() if node.planted is not None and node.sequence is None
    )


def test_a_third_prompt_that_begins_alike_is_read() -> None:
    """A planted prefix is all or nothing."""
    shared = tokens(20, 5)
    rig = rig_with((*shared, *tokens(20, 6)))
    assert asked(rig, (*shared, *tokens(20, 9)), 1) == 45
    assert asked(rig, (*shared, *tokens(20, 6)), 1) == 5


def test_others_share_what_a_planted_prefix_begins_with_too() -> None:
    """They cannot have it of the planted one, and do have it of one another."""
    shared = tokens(20, 5)
    rig = rig_with((*shared, *[1] * 20))
    assert [asked(rig, (*shared, *[token] * 20), 1) for token in (2, 3)] == [45, 25]


def test_more_is_planted_than_the_cache_may_hold() -> None:
    """It takes no room beside what is in use, and is not forgotten for it."""
    prefixes = [tokens(60, seed) for seed in range(8)]
    rig = rig_with(*prefixes, cells=128)
    assert [asked(rig, prefix, 1) for prefix in prefixes * 2] == [5] * 16


def test_where_there_is_no_room_for_it_it_is_read_and_known_again() -> None:
    """A failed restoring costs a reading, no more."""
    prefix = tokens(40, 1)
    rig = rig_with(prefix)
    rig.device.fail_restore = 1
    assert asked(rig, prefix, 1) == 45
    assert asked(rig, prefix, 2) == 5


def test_a_failed_batch_does_not_lose_it() -> None:
    """The cache is emptied, and what was planted is there again."""
    prefix = tokens(40, 1)
    rig = rig_with(prefix)
    rig.device.fail_decode = 1
    job = rig.write(Generation((*prefix, 1, 2), 2))
    rig.finish()
    assert isinstance(job.writing._chunks.get(), Exception)
    assert asked(rig, prefix, 2) == 5


def test_what_is_planted_again_is_the_newest() -> None:
    """It does not go before those that were planted in between."""
    prefixes = [tokens(30, seed) for seed in range(PLANTED + 1)]
    rig = rig_with(*prefixes[:-1], prefixes[0], prefixes[-1])
    assert [node.tokens for node in rig.tree.nodes() if node.planted is None] == [prefixes[1]]


def test_the_oldest_goes_when_there_are_too_many() -> None:
    """It becomes a prefix like any other; the newest stay."""
    prefixes = [tokens(30, seed) for seed in range(PLANTED + 1)]
    rig = rig_with(*prefixes)
    assert asked(rig, prefixes[-1], 1) == 5
    assert [node.tokens for node in rig.tree.nodes() if node.planted is None and node.saved is not None] == [
        prefixes[0]
    ]

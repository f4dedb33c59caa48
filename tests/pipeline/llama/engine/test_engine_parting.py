"""Who writes at the same time gets cells of its own, over a strict stand-in for llama.cpp's caches."""

from __future__ import annotations

from itertools import count as count_from
from itertools import islice
from pathlib import Path

import pytest

from pipeline.errors import ModelFault
from pipeline.llama.engine.device import TILE
from pipeline.llama.engine.jobs import WritingJob
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.parting import TOGETHER, WORTH_PARTING
from pipeline.llama.engine.requests import Adapter, Adapters, Generation
from pipeline.llama.engine.scheduler import CHUNK
from tests.pipeline.llama.engine.fake_device import FakeDevice, Rig, got, written

LANE = 80
LORA = (Adapter(Path("lora"), 1.0),)


def writers(count: int, *, most: int = 40, length: int = 6, seed: int = 0, adapters: Adapters = ()) -> list[Generation]:
    """Each after another prompt of this length, after which as much is written as may be."""
    ends = tuple(1 + place % 3 for place in range(length - 6))
    prompts = ((*(number // 7**place % 7 + 1 for place in range(6)), *ends) for number in count_from(seed))
    requests = (Generation(prompt, most, adapters=adapters) for prompt in prompts)
    return list(islice((request for request in requests if written(request).finish == "length"), count))


def rig(*, lane: int = LANE, parallel: int = 16) -> Rig:
    return Rig(FakeDevice(cells=4096, batch=128, outputs=32, lane=lane), parallel=parallel, sequences=64)


def parted(found: Rig) -> int:
    return len(found.device.parted)


def begun(found: Rig, requests: list[Generation]) -> list[WritingJob]:
    """All of them write."""
    jobs = [found.write(request) for request in requests]
    for _ in range(40):
        if all(job.writing.tokens for job in jobs):
            break
        found.step()
    assert all(job.writing.tokens for job in jobs)
    return jobs


def test_enough_writers_part_and_write_what_they_would_have_written() -> None:
    """One step after the last of them has begun, all in one batch."""
    found = rig()
    jobs = begun(found, requests := writers(TOGETHER))
    assert parted(found) == TOGETHER
    found.step()
    assert [row.sequence for row in found.device.batches[-1]] == [job.sequence for job in jobs]
    found.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    found.check_idle()


def test_fewer_stay_together() -> None:
    """It would be hardly any faster."""
    found = rig()
    begun(found, writers(TOGETHER - 1))
    found.step(3)
    assert parted(found) == 0


def test_who_comes_later_goes_to_those_who_have_parted() -> None:
    """Even where few are left of them."""
    found = rig()
    jobs = begun(found, writers(TOGETHER))
    for job in jobs[2:]:
        job.writing.cancel()
    found.step()
    assert parted(found) == 2
    begun(found, writers(1, seed=5000))
    assert parted(found) == 3


def test_what_is_soon_done_does_not_part() -> None:
    found = rig()
    begun(found, writers(TOGETHER, most=WORTH_PARTING - 2))
    found.step(3)
    assert parted(found) == 0


@pytest.mark.parametrize(("long", "apart"), [(0, TOGETHER), (1, TOGETHER), (2, 0)])
def test_one_may_be_left_behind_for_whom_a_lane_is_too_short(long: int, apart: int) -> None:
    """A batch of two takes as long as one of several."""
    found = rig()
    begun(found, writers(long, length=60, most=40) + writers(TOGETHER))
    found.step(3)
    assert parted(found) == apart


def test_who_comes_to_the_end_of_its_lane_goes_on_among_the_others() -> None:
    """Whatever it may write: nobody knows before how long a draft will be."""
    found = rig(lane=50)
    requests = [*writers(1, most=100), *writers(TOGETHER - 1, seed=9000, length=8, most=38)]
    jobs = begun(found, requests)
    assert parted(found) == TOGETHER
    apart = []
    while jobs[0].position < 90:
        found.step()
        apart.append((jobs[0].position, jobs[0].parted > 0))
    assert apart == [(position, position <= 50) for position, _ in apart]
    found.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    found.check_idle()


def test_who_cannot_go_on_among_the_others_fails_alone() -> None:
    found = rig(lane=50)
    requests = [*writers(1, most=100), *writers(TOGETHER - 1, seed=9000, length=8, most=38)]
    jobs = begun(found, requests)
    while jobs[0].position < 50:
        found.step()
    found.device.fail_rejoin = 1
    found.finish()
    with pytest.raises(ModelFault, match="could not be kept"):
        got(jobs[0].writing)
    assert [got(job.writing) for job in jobs[1:]] == [written(request) for request in requests[1:]]
    found.check_idle()


def test_one_left_behind_takes_no_thread_from_who_helps_out() -> None:
    """Its row is alone in its batch, and is computed with as many threads as those in the lanes."""
    found = Rig(FakeDevice(cells=4096, batch=128, outputs=32, threads=2, lane=LANE), parallel=16, sequences=64)
    begun(found, writers(1, length=60) + writers(TOGETHER))
    found.scheduler.step(Share.REST)
    assert parted(found) == TOGETHER
    assert [len(batch) for batch in found.device.batches[-2:]] == [TOGETHER, 1]
    assert found.device.shares[-2:] == [Share.REST, Share.REST]


def test_who_is_read_beside_is_read_by_the_chunk() -> None:
    """So that those in the lanes have their next token soon; and they have one with each of its chunks."""
    found = rig()
    jobs = begun(found, writers(TOGETHER))
    found.write(Generation((7,) * 300, 3))
    before = [len(job.writing.tokens) for job in jobs]
    found.step(3)
    assert [len(batch) for batch in found.device.batches[-6:]] == [TOGETHER, CHUNK] * 3
    assert [len(job.writing.tokens) for job in jobs] == [count + 3 for count in before]


def test_all_stay_together_where_there_are_no_lanes() -> None:
    found = rig(lane=0)
    begun(found, writers(TOGETHER))
    found.step(3)
    assert parted(found) == 0


def test_prompts_are_read_among_the_others() -> None:
    """In a batch of their own, also where they would have had room beside the rows of those who write."""
    found = rig()
    begun(found, writers(TOGETHER))
    late = found.write(Generation((7,) * 20, 3))
    found.step()
    apart, among = found.device.batches[-2:]
    assert len(apart) == TOGETHER
    assert {row.sequence for row in among} == {late.sequence}
    assert {row.sequence for row in apart} == set(found.device.parted)
    assert len(apart) + len(among) < TILE


def test_one_left_behind_is_read_with_prompts_and_those_in_lanes_all_the_same() -> None:
    """Each has its token at every step."""
    found = rig()
    long, *jobs = begun(found, writers(1, length=60) + writers(TOGETHER))
    found.step()
    late = found.write(Generation((7,) * 20, 3))
    before = [len(job.writing.tokens) for job in jobs]
    found.step()
    apart, among = found.device.batches[-2:]
    assert len(apart) == TOGETHER
    assert {row.sequence for row in among} == {long.sequence, late.sequence}
    assert [len(job.writing.tokens) for job in jobs] == [count + 1 for count in before]


def test_what_was_written_apart_is_shared_afterwards() -> None:
    """Who goes on from a prompt and its answer reads neither."""
    found = rig()
    requests = writers(TOGETHER)
    jobs = begun(found, requests)
    assert parted(found) == TOGETHER
    found.finish()
    before = found.scheduler.counts.reused
    whole = (*requests[0].prompt, *jobs[0].writing.tokens)
    found.write(Generation((*whole, 1, 2), 1))
    found.finish()
    assert found.scheduler.counts.reused - before == len(whole) - 1  # the last token was never read


def test_what_cannot_come_back_is_read_again() -> None:
    """The prompt stays known, what was written does not, and nothing is wrong."""
    found = rig()
    requests = writers(TOGETHER)
    jobs = begun(found, requests)
    found.device.fail_rejoin = TOGETHER
    found.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    before = found.scheduler.counts.reused
    found.write(Generation((*requests[0].prompt, *jobs[0].writing.tokens, 1, 2), 1))
    found.finish()
    assert 0 < found.scheduler.counts.reused - before <= len(requests[0].prompt)
    found.check_idle()


def test_who_cannot_part_goes_on_where_it_is() -> None:
    found = rig()
    found.device.fail_part = 3
    jobs = begun(found, requests := writers(TOGETHER))
    found.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]


def test_other_adapters_do_not_go_where_those_have_parted() -> None:
    """They are never in one batch with them, and would tear it to pieces."""
    found = rig()
    begun(found, writers(TOGETHER))
    begun(found, writers(TOGETHER, seed=5000, adapters=LORA))
    found.step(4)
    assert {job.applied for job in found.scheduler._running if job.parted} == {()}


def test_a_prompt_of_one_token_stays() -> None:
    """Nothing of it is in the cache before it writes."""
    found = rig()
    for token in range(8):
        found.write(Generation((token,), 40))
    found.step()
    assert [len(batch) for batch in found.device.batches] == [8]
    assert parted(found) == 0
    found.finish()
    found.check_idle()


def test_a_failed_batch_apart_fails_all_who_run_and_leaves_nothing() -> None:
    found = rig()
    jobs = begun(found, writers(TOGETHER))
    found.device.fail_decode = 1
    found.step()
    assert all(job.done for job in jobs)
    assert parted(found) == 0
    late = found.write(request := writers(1, seed=5000)[0])
    found.finish()
    assert got(late.writing) == written(request)
    found.check_idle()

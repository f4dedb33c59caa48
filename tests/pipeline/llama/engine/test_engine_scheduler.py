"""The scheduler and its tree of prefixes, over a strict stand-in for llama.cpp's cache."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ContextOverflow, ModelFault, ModelUnavailable
from pipeline.llama.engine.device import TILE
from pipeline.llama.engine.engine import SEQUENCES
from pipeline.llama.engine.jobs import BESIDE, ROUND, SPARED, AheadJob, WritingJob
from pipeline.llama.engine.load import Load, Share
from pipeline.llama.engine.prefixes import Node
from pipeline.llama.engine.requests import Adapter, Ahead, Generation, Sampling, Scoring
from pipeline.llama.engine.scheduler import CHUNK, GRACE, PATIENCE, SHARED_READ, SLICE, Scheduler
from pipeline.llama.engine.scoring import ScoringJob
from pipeline.llama.shared import common
from tests.pipeline.llama.engine.fake_device import BAD_GRAMMAR, DEAD_END, WORDS, FakeDevice, Rig, got, scored, written

LORA = (Adapter(Path("lora"), 1.0),)
OTHER = (Adapter(Path("lora"), 0.5),)
GROUPS = ((1,), (2, 3))


def tokens(length: int, seed: int) -> tuple[int, ...]:
    """As good as any text; two seeds part early."""
    return tuple(random.Random(seed).choices(range(1, 8), k=length))


def lasting(length: int, *, most: int, seed: int = 0) -> Generation:
    """A prompt after which as much is written as may be."""
    requests = (Generation(tokens(length, seed), most) for seed in range(1000 * seed, 1000 * seed + 999))
    return next(request for request in requests if written(request).finish == "length")


def big(**options: int) -> Rig:
    return Rig(FakeDevice(cells=2048, batch=256, outputs=16), **options)


def node_of(rig: Rig, ids: tuple[int, ...]) -> Node:
    return rig.tree.find((), ids)


# Who is in the batch


def test_a_job_writes_what_the_model_says() -> None:
    """Token by token, in chunks that add up."""
    rig = Rig()
    request = lasting(9, most=20)
    job = rig.write(request)
    rig.finish()
    assert got(job.writing) == written(request)
    rig.check_idle()


def test_jobs_join_and_leave_token_by_token() -> None:
    """Nobody waits for another's end, and a place is free as soon as somebody has ended."""
    rig = Rig(parallel=2)
    long, short, late = (lasting(5, most=most, seed=most) for most in (30, 4, 5))
    jobs = [rig.write(request) for request in (long, short, late)]
    rig.step(8)
    assert [job.done for job in jobs] == [False, True, False]
    assert jobs[2].writing.tokens
    rig.step(6)
    assert [job.done for job in jobs] == [False, True, True]
    rig.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in (long, short, late)]


def test_a_long_prompt_is_read_in_parts_while_somebody_writes() -> None:
    """The writer gets a token from each batch, and no batch is much larger for it."""
    rig = big()
    writer = rig.write(lasting(5, most=40))
    rig.step(3)
    before = len(writer.writing.tokens)
    reader = rig.write(Generation(tokens(500, 1), 1))
    steps = 0
    while reader.reading:
        rig.step()
        steps += 1
        assert len(writer.writing.tokens) == before + steps
        assert len(rig.device.batches[-1]) <= CHUNK + 1
    assert steps == -(-499 // CHUNK)


def test_who_writes_is_not_in_one_batch_with_many_rows_of_prompts() -> None:
    """Each has a batch of its own in a step, since together they cost more. A few rows go along."""
    rig = big(parallel=4)
    writers = [rig.write(lasting(5, most=40, seed=seed)) for seed in (1, 2, 3)]
    while any(job.reading for job in writers):
        rig.step()
    rig.write(Generation(tokens(TILE, 4), 1))
    rig.step()
    (writing, reading) = rig.device.batches[-2:]
    assert {row.sequence for row in writing} == {job.sequence for job in writers}
    assert [row.wanted for row in reading] == [False] * (TILE - 1)
    rig.step()
    assert len(rig.device.batches[-1]) == 4
    before = len(rig.device.batches)
    short = rig.write(Generation(tokens(TILE - 3, 5), 1))
    rig.step()
    assert [len(batch) for batch in rig.device.batches[before:]] == [3 + TILE - 4 - short.reused]


def test_a_long_prompt_alone_fills_the_batch() -> None:
    """Nobody is stalled by it."""
    rig = big()
    rig.write(Generation(tokens(500, 1), 1))
    rig.step()
    assert len(rig.device.batches[0]) == rig.device.batch


def test_who_came_first_is_read_to_the_end_first() -> None:
    """Few prompts are in the cache half read."""
    rig = Rig(FakeDevice(cells=2048, batch=64, outputs=16))
    jobs = [rig.score(Scoring((tokens(150, seed),), GROUPS)) for seed in (1, 2, 3)]
    half_read = []
    while rig.scheduler.jobs:
        rig.step()
        half_read.append(sum(job.position > 0 and job.reading for job in jobs))
    assert max(half_read) == 1


def test_a_long_prompt_lets_shorter_ones_pass() -> None:
    """It has had its slice; who came later is through before it."""
    rig = Rig(FakeDevice(cells=4096, batch=64, outputs=16))
    long = rig.score(Scoring((tokens(20 * SLICE // 4, 1),), GROUPS))
    rig.step(SLICE // 64)
    short = rig.score(Scoring((tokens(100, 2),), GROUPS))
    rig.step(3)
    assert short.done
    assert long.reading


def test_a_long_prompt_is_not_passed_for_ever() -> None:
    """However many shorter ones keep coming, it is read in the end."""
    rig = Rig(FakeDevice(cells=4096, batch=64, outputs=16))
    long = rig.score(Scoring((tokens(SLICE + 200, 1),), GROUPS))
    seed = 2
    for _ in range(6 * PATIENCE):
        while rig.scheduler.jobs < 4:
            rig.score(Scoring((tokens(100, seed),), GROUPS))
            seed += 1
        rig.step()
    assert long.done


def test_a_crowded_step_does_not_drive_a_fresh_draft_out() -> None:
    """It stays for two steps, however many rows those read, so that whoever wrote it can ask about it."""
    rig = Rig(FakeDevice(cells=2048, batch=128, outputs=16))
    draft = rig.write(lasting(20, most=4))
    reader = rig.score(Scoring((tokens(900, 5),), GROUPS))
    while not draft.done:
        rig.step()
    rig.step(2)
    assert reader.reading
    assert node_of(rig, draft.seen).sequence is not None
    assert node_of(rig, draft.seen).end == len(draft.seen)
    rig.step(2)
    assert node_of(rig, draft.seen).sequence is None or node_of(rig, draft.seen).end < len(draft.seen)


def test_readers_take_turns() -> None:
    """The second long prompt does not wait for the first one's end."""
    rig = big()
    first, second = (rig.score(Scoring((tokens(900, seed),), GROUPS)) for seed in (1, 2))
    rig.step(2)
    assert first.position
    assert second.position


# What is shared


def test_a_prefix_is_read_once() -> None:
    """The second request starts where the first one's prompt ended."""
    rig = Rig()
    shared = tokens(40, 1)
    for rest in ((1, 2), (2, 1)):
        request = Generation((*shared, *rest), 1)
        job = rig.write(request)
        rig.finish()
        assert got(job.writing) == written(request)
    assert rig.device.read == 40 + 2 + 2
    assert rig.scheduler.counts.reused == 40


def test_what_was_written_can_be_judged_in_place() -> None:
    """Prompt and draft are in the cache, so only the question is read."""
    rig = big()
    request = lasting(30, most=20)
    job = rig.write(request)
    rig.finish()
    before = rig.device.read
    draft = (*request.prompt, *job.writing.tokens)
    asked = Scoring(((*draft, 1, 2), (*draft, 2, 3)), GROUPS)
    scoring = rig.score(asked)
    rig.finish()
    assert scoring.future.result(timeout=0).mass == scored(asked)
    assert rig.device.read - before == 1 + 2 + 2  # and the draft's last token, after which nothing was written


def test_two_at_once_read_a_long_prompt_once() -> None:
    """The second waits for the first to have read it."""
    rig = big()
    prompt = tokens(300, 1)
    requests = [Generation(prompt, 3), Generation(prompt, 5), Generation((*prompt, 1), 5)]
    jobs = [rig.write(request) for request in requests]
    rig.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    assert rig.scheduler.counts.read <= 300
    assert rig.scheduler.counts.reused >= 2 * 299


def test_who_shares_little_does_not_wait() -> None:
    """To wait would cost more than to read it twice, and the cells become one in the end."""
    rig = big()
    shared = tokens(SHARED_READ - 1, 1)
    jobs = [rig.write(Generation((*shared, *tokens(99, seed)), 1)) for seed in (1, 2)]
    rig.step()
    assert all(job.position for job in jobs)
    rig.finish()
    assert rig.tree.cells < 2 * (SHARED_READ + 98)


def test_one_who_waits_for_a_shared_prompt_does_not_hold_up_others() -> None:
    """Whoever comes behind it may start before."""
    rig = big()
    same = Scoring((tokens(600, 1),), GROUPS)
    rig.score(same)
    rig.step()
    waits, passes = rig.score(same), rig.score(Scoring((tokens(20, 2),), GROUPS))
    rig.step()
    assert (waits.sequence, passes.sequence >= 0) == (-1, True)


def test_a_job_with_the_same_prompt_starts_when_the_reader_was_cancelled() -> None:
    """It reads on where that one was stopped."""
    rig = big()
    prompt = tokens(600, 1)
    first, second = (rig.score(Scoring((prompt,), GROUPS)) for _ in range(2))
    rig.step()
    first.future.cancel()
    rig.finish()
    assert second.future.result(timeout=0).reused == rig.device.batch
    assert rig.device.read == 600


# Scoring


@pytest.mark.parametrize(
    ("batch", "outputs", "batches"),
    [(256, 16, [(70, 4)]), (70, 4, [(70, 4)]), (69, 16, [(50, 0), (20, 4)]), (256, 3, [(50, 0), (19, 3), (1, 1)])],
    ids=["all fit", "just fit", "a row too many", "an output too many"],
)
def test_all_branches_of_a_scoring_are_in_one_batch(batch: int, outputs: int, batches: list[tuple[int, int]]) -> None:
    """With the trunk where both fit; else the trunk is read, then every prompt's rest at once."""
    rig = Rig(FakeDevice(cells=2048, batch=batch, outputs=outputs))
    trunk = tokens(50, 1)
    asked = Scoring(tuple((*trunk, first, *tokens(4, first)) for first in (1, 2, 3, 4)), GROUPS)
    job = rig.score(asked)
    rig.finish()
    assert [(len(rows), sum(row.wanted for row in rows)) for rows in rig.device.batches] == batches
    assert job.future.result(timeout=0).mass == scored(asked)
    assert job.future.result(timeout=0).read == 70


@pytest.mark.parametrize(
    ("wave", "sequences", "batches"),
    [(10, 14, [50, 10, 10]), (1024, 10, [50, 15, 5])],
    ids=["few cells for branches", "three ids for branches"],
)
def test_branches_that_are_read_in_turns_are_not_read_with_the_trunk(
    wave: int, sequences: int, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have taken its place in the cache before the last of them is opened."""
    monkeypatch.setattr("pipeline.llama.engine.scoring.WAVE", wave)
    rig = big(sequences=sequences)
    rig.score(Scoring(tuple((*tokens(50, 1), first, *tokens(4, first)) for first in (1, 2, 3, 4)), GROUPS))
    rig.finish()
    assert [len(rows) for rows in rig.device.batches] == batches


def test_two_who_read_the_same_trunk_with_their_branches_share_it_afterwards() -> None:
    """The second one's cells give way to the first one's, and its branches are on none of them any more."""
    rig = big()
    trunk = tokens(SHARED_READ - 1, 1)  # short enough to be read by both at once
    requests = [Scoring(tuple((*trunk, *end) for end in ends), GROUPS) for ends in (((1, 2), (2, 2)), ((3, 2), (4, 2)))]
    jobs = [rig.score(request) for request in requests]
    rig.step()
    assert [job.future.result(timeout=0).mass for job in jobs] == [scored(request) for request in requests]
    assert len(rig.device.batches) == 1
    rig.check_idle()
    assert rig.device.used() == len(trunk)


@pytest.mark.parametrize(
    "prompts",
    [
        ((1,),),
        ((1,), (2,), (3,)),
        ((1, 2, 3), (1, 2, 3)),
        ((1, 2, 3), (1, 2), (1, 2, 3, 4)),
        tuple((*tokens(30, 1), *tokens(length, 2)) for length in (1, 9, 40, 20)),
        tuple((*tokens(5, 1), token) for token in range(1, 8) for _ in range(4)),
    ],
    ids=[
        "one",
        "nothing shared",
        "the same twice",
        "one the beginning of another",
        "uneven",
        "more than there are ids",
    ],
)
def test_scores_are_those_of_each_prompt_alone(prompts: tuple[tuple[int, ...], ...]) -> None:
    """Whatever the prompts share, and however many there are."""
    rig = Rig(FakeDevice(batch=16, outputs=3))
    asked = Scoring(prompts, GROUPS)
    job = rig.score(asked)
    rig.finish()
    assert job.future.result(timeout=0).mass == scored(asked)
    rig.check_idle()


def test_branches_run_in_waves_where_cells_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scoring takes no more cells than it has said, and still gets done."""
    monkeypatch.setattr("pipeline.llama.engine.scoring.WAVE", 20)
    rig = Rig(FakeDevice(cells=64))
    asked = Scoring(tuple((*tokens(20, 1), token, *tokens(8, token)) for token in range(1, 8)), GROUPS)
    job = rig.score(asked)
    assert job.beyond == 20
    rig.finish()
    assert job.future.result(timeout=0).mass == scored(asked)


def test_branches_that_others_hold_are_waited_for() -> None:
    """Also by jobs with other adapters, which cannot be in the same batch."""
    rig = Rig(FakeDevice(batch=8, outputs=4), sequences=10)  # three branches in all
    requests = [
        Scoring(tuple((token, *tokens(30, token)) for token in range(1, 5)), GROUPS, adapters=adapters)
        for adapters in ((), LORA, OTHER)
    ]
    jobs = [rig.score(request) for request in requests]
    rig.finish()
    assert [job.future.result(timeout=0).mass for job in jobs] == [scored(request) for request in requests]


def test_who_waits_for_a_branch_does_not_keep_the_turn() -> None:
    """The holder of the branches goes on, though another with the waiting one's adapters writes all the while."""
    rig = Rig(FakeDevice(cells=2048, batch=8, outputs=4), sequences=10)
    holder = rig.score(Scoring(tuple((token, *tokens(20, token)) for token in range(1, 4)), GROUPS))
    rig.step()
    waits = rig.score(Scoring(((1, 2), (2, 3)), GROUPS, adapters=LORA))
    writer = rig.write(Generation(tokens(9, 1), 500, adapters=LORA))
    for _ in range(40):
        if not writer.done:
            rig.step()
    assert holder.done
    assert waits.done


# Adapters


def test_other_adapters_share_nothing() -> None:
    """Neither a prefix nor a batch: what was read with one is wrong with another."""
    rig = Rig(FakeDevice(cells=512))
    requests = [Generation(tokens(40, 1), 10, adapters=adapters) for adapters in ((), LORA, OTHER, (*LORA, *OTHER))]
    jobs = [rig.write(request) for request in requests]
    rig.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    assert rig.scheduler.counts.reused == 0


def test_what_is_read_without_the_adapters_is_shared_with_everybody() -> None:
    """A judge's adapter acts on the question alone: the draft is judged from the cache of who wrote it."""
    rig = Rig(FakeDevice(cells=512))
    said = tokens(40, 1)
    writer = rig.write(Generation(said, 8))
    rig.finish()
    heard = (*said, *writer.writing.tokens)
    request = Scoring(tuple((*heard, 2, 3, token, 5) for token in (1, 4, 6)), GROUPS, plain=len(heard), adapters=LORA)
    before = rig.scheduler.counts.read
    asked = rig.score(request)
    rig.finish()
    assert asked.future.result().mass == scored(request)
    assert rig.scheduler.counts.read - before <= 1 + 2 + 3 * 2, "the last token that was written, stem and branches"
    again = rig.write(Generation((*heard, 7), 8))
    rig.finish()
    assert got(again.writing) == written(Generation((*heard, 7), 8)), "nothing of the adapter's stays in what is shared"
    assert again.reused >= len(heard) - 1


def test_other_adapters_take_turns() -> None:
    """Nobody waits for another's end."""
    rig = Rig()
    jobs = [rig.write(Generation(tokens(9, 1), 60, adapters=adapters)) for adapters in ((), LORA, OTHER)]
    rig.step(4 * 3)
    assert all(len(job.writing.tokens) >= 3 or job.done for job in jobs)
    rig.step()
    assert rig.device.adapters[-4] == rig.device.adapters[-1] != rig.device.adapters[-2]


def test_adapters_that_are_not_taken_fail_alone() -> None:
    """Nothing was read with them, so nobody else is touched."""
    rig = Rig()
    rig.device.refused = LORA
    request = lasting(9, most=10)
    good, bad = rig.write(request), rig.write(Generation((1, 2), 5, adapters=LORA))
    rig.finish()
    with pytest.raises(ModelFault, match="not taken"):
        got(bad.writing)
    assert got(good.writing) == written(request)
    rig.check_idle()


# Failures


@pytest.mark.parametrize("grammar", [BAD_GRAMMAR, DEAD_END])
def test_a_bad_request_fails_alone(grammar: str) -> None:
    """At its start or half way; those in the same batch go on."""
    rig = Rig()
    request = lasting(9, most=10)
    good, bad = rig.write(request), rig.write(Generation(request.prompt, 5, Sampling(grammar=grammar)))
    rig.finish()
    with pytest.raises(ModelFault, match="grammar"):
        got(bad.writing)
    assert got(good.writing) == written(request)
    rig.check_idle()


def test_what_can_never_fit_fails_at_once_and_blocks_nobody() -> None:
    """It would wait for room for ever, and all behind it."""
    rig = Rig(FakeDevice(cells=64))
    bad, good = rig.write(Generation((1, 2), 64)), rig.write(Generation((1, 2), 3))
    assert bad.done
    rig.finish()
    with pytest.raises(ContextOverflow):
        got(bad.writing)
    assert got(good.writing) == written(Generation((1, 2), 3))


def test_who_does_not_fit_now_waits_for_room() -> None:
    """All cells that a job may need are kept for it, so that it is never stopped half way."""
    rig = Rig(FakeDevice(cells=64))
    requests = [Generation(tokens(8, seed), 30) for seed in (1, 2, 3)]
    jobs = [rig.write(request) for request in requests]
    rig.step()
    assert [job.sequence >= 0 for job in jobs] == [True, False, False]
    rig.finish()
    assert [got(job.writing) for job in jobs] == [written(request) for request in requests]


def test_a_failed_batch_fails_who_runs_and_not_who_waits() -> None:
    """The cache is emptied, because nobody knows what it holds."""
    rig = Rig(FakeDevice(cells=64))
    old = rig.write(Generation(tokens(9, 3), 1))
    rig.finish()
    running, waiting = (rig.write(Generation(tokens(9, seed), 40)) for seed in (1, 2))
    rig.step(2)
    rig.device.fail_decode = 1
    rig.step()
    assert (old.done, running.done, waiting.done) == (True, True, False)
    assert rig.device.used() == 0
    rig.finish()
    with pytest.raises(ModelFault, match="told to fail"):
        got(running.writing)
    assert got(waiting.writing) == written(Generation(tokens(9, 2), 40))
    rig.check_idle()


def test_a_failed_batch_gives_back_branches() -> None:
    """A scoring in the midst of its branches is no exception."""
    rig = Rig(FakeDevice(batch=8))
    asked = Scoring(tuple((token, *tokens(9, token)) for token in (1, 2, 3)), GROUPS)
    job = rig.score(asked)
    rig.step()
    rig.device.fail_decode = 1
    rig.step()
    assert isinstance(job.future.exception(timeout=0), ModelFault)
    rig.check_idle()


def test_the_end_of_the_engine_is_the_end_of_every_job() -> None:
    """Whether it runs or waits."""
    rig = Rig(parallel=1)
    running, waiting = rig.write(lasting(5, most=50)), rig.score(Scoring(((1, 2),), GROUPS))
    rig.step(3)
    rig.scheduler.fail(ModelFault("closed"))
    with pytest.raises(ModelFault, match="closed"):
        got(running.writing)
    assert isinstance(waiting.future.exception(timeout=0), ModelFault)
    rig.check_idle()


# Cancelling, and deadlines


@pytest.mark.parametrize("steps", [0, 1, 4], ids=["before it starts", "while it reads", "while it writes"])
def test_a_cancelled_writing_is_gone_at_the_next_step(steps: int) -> None:
    """Whoever still listens is told so, and what was read is kept for others."""
    rig = Rig(FakeDevice(cells=512, batch=32))
    job = rig.write(lasting(70, most=100))
    rig.step(steps)
    before = len(job.writing.tokens)
    job.writing.cancel()
    rig.step()
    assert not rig.scheduler.jobs
    assert len(job.writing.tokens) == before
    with pytest.raises(ModelFault, match="cancelled"):
        got(job.writing)
    rig.check_idle()
    assert bool(rig.tree.cells) == bool(steps)


@pytest.mark.parametrize("steps", [0, 1, 2, 3], ids=["before it starts", "in the trunk", "trunk read", "in branches"])
def test_a_cancelled_scoring_is_gone_at_the_next_step(steps: int) -> None:
    """Branches and all."""
    rig = Rig(FakeDevice(cells=512, batch=32))
    job = rig.score(Scoring(tuple((*tokens(64, 1), token, *tokens(40, token)) for token in (1, 2)), GROUPS))
    rig.step(steps)
    assert job.future.cancel()
    rig.step()
    assert not rig.scheduler.jobs
    rig.check_idle()


@pytest.mark.parametrize("steps", [0, 3])
def test_a_deadline_ends_a_job_at_the_next_step(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting or running, and those without one go on."""
    now = [0.0]
    monkeypatch.setattr("pipeline.llama.engine.jobs.time.monotonic", lambda: now[0])
    rig = Rig()
    request = lasting(9, most=30)
    hurried = rig.write(Generation(request.prompt, 30, seconds=5.0))
    asked = rig.score(Scoring((tokens(90, 3), tokens(90, 4)), GROUPS, seconds=5.0))
    patient = rig.write(request)
    rig.step(steps)
    now[0] = 5.1
    rig.step()
    with pytest.raises(ModelUnavailable, match="time"):
        got(hurried.writing)
    assert isinstance(asked.future.exception(timeout=0), ModelUnavailable)
    rig.finish()
    assert got(patient.writing) == written(request)
    rig.check_idle()


# Parking


def park(rig: Rig, rows: int = 2 * GRACE) -> None:
    """Let the time pass after which unused prefixes leave the cache, as if so many rows had been read."""
    rig.tree.now += rows
    rig.step()


SHARED = tokens(40, 1)


def parted(rig: Rig) -> tuple[Scoring, Scoring]:
    """Two that begin alike, both of which have been scored."""
    first, second = (Scoring(((*SHARED, token, *tokens(30, token)),), GROUPS) for token in (1, 2))
    for asked in (first, second):
        rig.score(asked)
        rig.finish()
    return first, second


def test_unused_prefixes_are_parked_and_come_back() -> None:
    """They slow nobody down, and are not read again."""
    rig = Rig()
    asked = Scoring((tokens(60, 1),), GROUPS)
    rig.score(asked)
    rig.finish()
    held = rig.device.used()
    park(rig, GRACE // 2)
    assert rig.device.used() == held
    park(rig)
    assert rig.device.used() == 0
    assert rig.tree.parked == held
    before = rig.device.read
    again = rig.score(asked)
    rig.finish()
    assert again.future.result(timeout=0).mass == scored(asked)
    assert rig.device.read - before == 2
    assert rig.device.restored


def test_a_part_of_a_parked_prefix_comes_back_where_it_is_worth_it() -> None:
    """A long one is split; a short one is read again, without copying the whole."""
    rig = Rig()
    first = tokens(60, 1)
    rig.score(Scoring((first,), GROUPS))
    rig.finish()
    park(rig)
    short, long = (Scoring(((*first[:length], 1, 2, 3),), GROUPS) for length in (9, 30))
    for asked, restored in ((short, 0), (long, 1)):
        job = rig.score(asked)
        rig.finish()
        assert job.future.result(timeout=0).mass == scored(asked)
        assert rig.device.restored == restored


def test_what_cannot_be_restored_is_read_again() -> None:
    """A prefix that is lost costs time and nothing else."""
    rig = Rig()
    asked = Scoring((tokens(60, 1),), GROUPS)
    rig.score(asked)
    rig.finish()
    park(rig)
    rig.device.fail_restore = 1
    before = rig.device.read
    again = rig.score(asked)
    rig.finish()
    assert again.future.result(timeout=0).mass == scored(asked)
    assert rig.device.read - before == 60
    rig.check_idle()


def test_half_of_a_path_that_cannot_be_restored_is_read_again() -> None:
    """What comes before it is used, what lies below it goes."""
    rig = Rig()
    longer = parted(rig)
    park(rig)
    rig.score(Scoring(((*SHARED, 3),), GROUPS))
    rig.finish()
    rig.device.fail_restore = 1
    before = rig.device.read
    again = rig.score(longer[0])
    rig.finish()
    assert again.future.result(timeout=0).mass == scored(longer[0])
    assert rig.device.read - before == 32
    rig.check_idle()


def test_what_cannot_be_parked_is_read_again() -> None:
    """With all that lies below it, which is of no use without it."""
    rig = Rig()
    longer = parted(rig)
    rig.device.fail_save = 1
    park(rig)
    assert rig.device.fail_save == 0
    assert rig.device.used() == rig.tree.parked == 0
    again = rig.score(longer[0])
    rig.finish()
    assert again.future.result(timeout=0).mass == scored(longer[0])
    assert again.reused == 0
    rig.check_idle()


def test_what_is_split_is_not_lost_over_it() -> None:
    """Where another would have to be parked for it and cannot be, that is none that it follows."""
    rig = Rig(sequences=10)
    whole = tokens(90, 1)
    for prompt in (whole, (*whole[:60], 5, *tokens(20, 2)), (*whole[:30], 5, *tokens(20, 3)), whole):
        rig.score(Scoring((prompt,), GROUPS))
        rig.finish()
    there = [node for node in rig.tree.nodes() if node.sequence is not None]
    assert sorted((node.start, node.end) for node in there) == [(0, 30), (30, 60), (60, 88)]
    rig.device.fail_save = 1
    again = Scoring(((*whole[:80], 3, 4),), GROUPS)
    job = rig.score(again)
    rig.finish()
    assert job.future.result(timeout=0).mass == scored(again)
    assert job.reused == 60
    rig.check_idle()


def test_idle_prefixes_make_room_for_a_job() -> None:
    """Those that were used last are the last to go."""
    rig = Rig(FakeDevice(cells=100))
    for seed in (1, 2, 3):
        rig.score(Scoring((tokens(30, seed),), GROUPS))
        rig.finish()
    request = Scoring((tokens(30, 9),), GROUPS)
    job = rig.score(request)
    rig.step()
    assert [node_of(rig, tokens(29, seed)).sequence is None for seed in (1, 2, 3)] == [True, False, False]
    rig.finish()
    assert job.future.result(timeout=0).mass == scored(request)


def test_who_writes_alone_has_the_cells_to_itself() -> None:
    """What lies idle there would slow down each of its tokens; what it begins with stays."""
    rig = Rig(FakeDevice(cells=200))
    for seed in (1, 2):
        rig.score(Scoring((tokens(30, seed),), GROUPS))
        rig.finish()
    job = rig.write(request := Generation((*tokens(29, 2), 7, 7), 10))
    rig.step()
    assert [node_of(rig, tokens(29, seed)).sequence is None for seed in (1, 2)] == [True, False]
    assert job.reused == 28
    rig.finish()
    assert got(job.writing) == written(request)


def test_in_company_nobody_is_sent_away() -> None:
    """Where others write as well, prefixes go when their time has come."""
    rig = Rig(FakeDevice(cells=200))
    rig.score(Scoring((tokens(30, 1),), GROUPS))
    rig.write(Generation(tokens(5, 8), 10))
    rig.step()
    rig.step()
    node = node_of(rig, tokens(29, 1))
    assert (node.users, node.sequence is None) == (0, False)
    rig.write(Generation(tokens(5, 9), 10))
    rig.step()
    assert node.sequence is not None
    rig.finish()


def test_a_pinned_prefix_is_the_last_to_be_forgotten() -> None:
    """The manifesto's preamble stays, whatever else comes and goes."""
    rig = Rig(FakeDevice(cells=384))
    preamble = tokens(50, 1)
    rig.score(Scoring(((*preamble, 1, 2), (*preamble, 2, 3)), GROUPS, pinned=50))
    rig.finish()
    for seed in range(2, 20):
        rig.score(Scoring((tokens(40, seed),), GROUPS))
        rig.finish()
        park(rig)
    assert node_of(rig, preamble).end == 50
    assert node_of(rig, tokens(39, 2)).end < 39
    assert rig.tree.parked <= 128


def test_pinned_prefixes_do_not_fill_the_store() -> None:
    """Where they take more than half, the oldest of them goes like any other."""
    rig = Rig(FakeDevice(cells=256))
    for seed in range(1, 9):
        preamble = tokens(40, seed)
        rig.score(Scoring(((*preamble, 1, 2), (*preamble, 2, 3)), GROUPS, pinned=40))
        rig.finish()
        park(rig)
    assert rig.tree.parked <= 128
    assert node_of(rig, tokens(40, 8)).end == 40
    assert node_of(rig, tokens(40, 1)).end < 40


def test_a_batch_holds_no_more_than_the_device_takes() -> None:
    """Also a smaller one than a chunk."""
    rig = Rig(FakeDevice(cells=1024, batch=32, outputs=16))
    rig.write(lasting(5, most=40))
    rig.step(2)
    rig.write(Generation(tokens(200, 1), 1))
    rig.finish()
    assert max(map(len, rig.device.batches)) == 32


def test_what_was_written_in_company_is_parked_as_anything_else() -> None:
    """Whoever asks about it later does not read it again."""
    rig = big()
    requests = [lasting(20, most=30, seed=seed) for seed in (1, 2)]
    jobs = [rig.write(request) for request in requests]
    rig.finish()
    park(rig)
    for job, request in zip(jobs, requests, strict=True):
        assert node_of(rig, (*request.prompt, *job.writing.tokens)).end == 19 + 30
    assert rig.tree.parked == 2 * (19 + 30)


def test_a_prompt_and_what_was_written_after_it_take_one_id() -> None:
    """Where nobody else has come to share the prompt: so that ids last for many."""
    rig = big()
    request = lasting(20, most=30)
    job = rig.write(request)
    rig.finish()
    assert [len(node.tokens) for node in rig.tree.nodes()] == [19 + 30]
    assert node_of(rig, (*request.prompt, *job.writing.tokens)).end == 19 + 30


def test_a_prompt_that_somebody_shares_is_left_as_it_is() -> None:
    """The other one goes on from its end."""
    rig = big()
    request = lasting(50, most=30)
    one = rig.write(request)
    while one.reading:
        rig.step()
    other = rig.write(request)
    rig.finish()
    assert other.reused == 49
    assert sorted(len(node.tokens) for node in rig.tree.nodes()) == [30, 49]
    rig.check_idle()


def test_what_is_pinned_stays_as_long_as_it_is() -> None:
    """What comes after it is no part of it, and may be forgotten without it."""
    rig = big()
    preamble = tokens(40, 1)
    rig.score(Scoring(((*preamble, 1, 2), (*preamble, 2, 3)), GROUPS, pinned=40))
    rig.finish()
    rig.write(Generation((*preamble, 1, 2, 3), 1))
    rig.finish()
    (node,) = (node for node in rig.tree.nodes() if node.start == 0)
    assert (len(node.tokens), node.pinned) == (40, True)
    assert [below.pinned for below in node.children] == [False]


def test_of_sixteen_drafts_none_is_read_again() -> None:
    """A look at the question, a draft, a look at the draft, as a probe asks: the ids do for all at once."""
    rig = Rig(FakeDevice(cells=8192, batch=128, outputs=64), parallel=16, sequences=SEQUENCES)
    head = tokens(24, 99)
    requests = [Generation((*head, *lasting(12, most=30, seed=seed).prompt), 30) for seed in range(1, 17)]
    asked = [rig.score(Scoring((request.prompt[:-3],), GROUPS)) for request in requests]
    rig.finish()
    drafts = [rig.write(request) for request in requests]
    rig.finish()
    looks = [rig.score(Scoring(((*d._request.prompt, *d.writing.tokens, 1, 2),), GROUPS)) for d in drafts]
    rig.finish()
    assert all(job.done for job in asked)
    assert all(len(look.ids) - look.reused <= 4 for look in looks)


def test_sequences_run_out_and_answers_stay_right() -> None:
    """Prefixes that have no id of their own are not kept, and idle ones give theirs up."""
    rig = Rig(FakeDevice(cells=1024), parallel=4, sequences=10)  # three prefixes in all
    for round_ in range(3):
        requests = [Generation((*tokens(20, round_), *tokens(20, seed)), 8) for seed in range(8)]
        jobs = [rig.write(request) for request in requests]
        rig.finish()
        assert [got(job.writing) for job in jobs] == [written(request) for request in requests]
    rig.check_idle()


def test_too_few_sequences_are_refused() -> None:
    """Each job needs one, and there must be some for branches and prefixes."""
    for parallel, sequences in ((0, 14), (7, 14), (32, 64)):
        with pytest.raises(ValueError, match="jobs at a time"):
            Rig(parallel=parallel, sequences=sequences)


def test_what_two_runs_of_tokens_have_in_common() -> None:
    """From the start, as far as the shorter one goes."""
    assert [common(a, b) for a, b in (((), (1,)), ((1, 2), (1, 2, 3)), ((1, 2), (2, 2)), ((1, 2), (1, 3)))] == [
        0,
        2,
        0,
        1,
    ]


# --- How it shares the machine ---------------------------------------------------------------------------------------


def sharing(threads: int, *, fixed: bool = False) -> tuple[FakeDevice, Scheduler]:
    device = FakeDevice(cells=1024, batch=128, outputs=16, threads=threads)
    return device, Scheduler(device, parallel=4, sequences=14, fixed=fixed)


def writer(length: int = 20, *, most: int = 200, followed: bool = False, seed: int = 1) -> WritingJob:
    return WritingJob(replace(lasting(length, most=most, seed=seed), followed=followed), WORDS)


def test_a_draft_that_is_followed_spares_a_thread_by_the_count_of_its_tokens() -> None:
    """Whether or not anybody is beside it, so that it is the same draft each time."""
    device, scheduler = sharing(2)
    scheduler.add(writer(followed=True))
    scheduler.step(Share.ALL)
    shares: list[Share] = []
    for _ in range(150):
        assert scheduler.load.spares == (len(shares) % ROUND >= ROUND - SPARED)
        scheduler.step(Share.ALL)
        shares.append(device.shares[-1])
    assert shares == [Share.REST if number % ROUND >= ROUND - SPARED else Share.ALL for number in range(150)]


@pytest.mark.parametrize(("prompt", "windows"), [(20, [ROUND - SPARED]), (ROUND + 1, [0, ROUND - SPARED])])
def test_nobody_begins_beside_it_whom_it_would_have_to_wait_for(prompt: int, windows: list[int]) -> None:
    """A window begins for as long as a tile can be read before it ends."""
    _, scheduler = sharing(2)
    scheduler.add(writer(prompt, followed=True))
    scheduler.step()
    begin = []
    for number in range(ROUND):
        if scheduler.load.lends:
            begin.append(number)
        scheduler.step()
    assert begin == [start + number for start in windows for number in range(SPARED - BESIDE + 1)]


def test_behind_a_long_prompt_it_spares_one_for_longer() -> None:
    """Until somebody beside it may have read that as well."""
    device, scheduler = sharing(2)
    scheduler.add(writer(ROUND * 3 + 1, followed=True))
    for _ in range(2):
        scheduler.step()
    before = len(device.shares)
    for _ in range(100):
        scheduler.step()
    written = device.shares[before:]
    assert written[: 3 * SPARED] == [Share.REST] * (3 * SPARED)
    assert Share.ALL in written[3 * SPARED :]


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_draft_that_nobody_follows_is_written_with_all_threads(threads: int) -> None:
    device, scheduler = sharing(threads)
    scheduler.add(writer())
    for _ in range(40):
        scheduler.step(Share.REST)
        assert not scheduler.load.spares
    assert set(device.shares[1:]) == {Share.ALL}


@pytest.mark.parametrize(("threads", "spares"), [(1, False), (2, True), (8, False)])
def test_of_two_threads_many_spare_one_and_of_more_none(threads: int, spares: bool) -> None:
    """One of many threads would read too slowly for all of them."""
    device, scheduler = sharing(threads)
    for seed in (1, 2):
        scheduler.add(writer(seed=seed))
    scheduler.step(Share.REST)
    scheduler.step(Share.REST)
    assert scheduler.load == Load(busy=True, spares=spares)
    assert device.shares[-1] is Share.REST


def test_only_what_is_read_one_at_a_time_is_read_apart() -> None:
    """And only while nobody writes there: one row alone is rounded by the number of threads."""
    asked = Scoring((tokens(300, 1), tokens(300, 2)), GROUPS)
    for threads, fixed, apart in ((2, True, True), (1, True, False), (2, False, False)):
        _, scheduler = sharing(threads, fixed=fixed)
        scheduler.add(ScoringJob(asked, 1024))
        assert scheduler.load.apart is apart
    _, scheduler = sharing(2, fixed=True)
    scheduler.add(writer())
    scheduler.step()
    scheduler.step()
    assert not scheduler.load.apart


def test_in_one_thread_a_block_is_read_at_a_time_and_rounded_as_ever() -> None:
    """So that somebody who wants the engine back has not long to wait. What is left at the end is a block at least."""
    asked = Scoring(tuple((*tokens(300, 1), token, *tokens(30, token)) for token in (1, 2, 3)), GROUPS)
    lengths = []
    for share in (Share.ALL, Share.ONE):
        device, scheduler = sharing(2, fixed=True)
        job = ScoringJob(asked, 1024)
        scheduler.add(job)
        while scheduler.jobs:
            scheduler.step(share)
        assert job.future.result(timeout=0).mass == scored(asked)
        lengths.append([len(batch) for batch in device.batches])
    assert lengths == [[128, 128, 73, 64], [64, 64, 64, 64, 64, 73]]


def test_a_row_alone_is_read_with_as_many_threads_whoever_is_beside() -> None:
    """The last of a prompt; what is written has its own."""
    for share in (Share.ALL, Share.REST, Share.ONE):
        device, scheduler = sharing(2, fixed=True)
        scheduler.add(ahead(tokens(TILE + 1, 1), pinned=TILE + 1)[0])
        while scheduler.jobs:
            scheduler.step(share)
        assert [len(batch) for batch in device.batches] == [TILE, 1]
        assert device.shares == [share, Share.ONE]


def test_in_one_thread_nothing_is_written() -> None:
    """Whoever finds that out has the engine returned first."""
    device, scheduler = sharing(2, fixed=True)
    for _ in range(2):
        job = writer(TILE + 1, most=2)
        scheduler.add(job)
        scheduler.step(Share.ONE)
        while scheduler.load.apart:
            scheduler.step(Share.ONE)
        before = device.read
        scheduler.step(Share.ONE)
        assert device.read == before
        while scheduler.jobs:
            scheduler.step()
        assert len(got(job.writing).tokens) == 2


# --- What is read ahead ----------------------------------------------------------------------------------------------


def ahead(prompt: tuple[int, ...], pinned: int = 0) -> tuple[AheadJob, threading.Event]:
    unwanted = threading.Event()
    return AheadJob(Ahead(prompt, unwanted, pinned)), unwanted


def test_what_was_read_ahead_is_not_read_again() -> None:
    """Whole tiles of it."""
    device, scheduler = sharing(2, fixed=True)
    prompt = tokens(300, 1)
    job, _ = ahead(prompt[:250], pinned=50)
    scheduler.add(job)
    assert scheduler.load.waits
    while scheduler.jobs:
        scheduler.step()
    assert job.done
    assert device.read == 50 + 3 * TILE
    asked = Scoring(((*prompt, 1), (*prompt, 2)), GROUPS, pinned=50)
    scoring = ScoringJob(asked, 1024)
    scheduler.add(scoring)
    assert not scheduler.load.waits
    while scheduler.jobs:
        scheduler.step()
    assert scoring.future.result(timeout=0).mass == scored(asked)
    assert scoring.reused == 50 + 3 * TILE


@pytest.mark.parametrize(("over", "read"), [(TILE // 2 - 1, 0), (TILE // 2, TILE // 2), (TILE + 40, TILE)])
def test_less_than_half_a_tile_waits_for_more(over: int, read: int) -> None:
    """And what is over, behind a whole one."""
    device, scheduler = sharing(2, fixed=True)
    scheduler.add(ahead(tokens(50, 1), pinned=50)[0])
    job, _ = ahead(tokens(50 + over, 1), pinned=50)
    scheduler.add(job)
    while scheduler.jobs:
        scheduler.step()
    assert job.position == 50 + read
    assert device.read == 50 + (TILE if read else 0)


def test_what_is_known_already_is_done_at_once() -> None:
    device, scheduler = sharing(2, fixed=True)
    for _ in range(2):
        job, _ = ahead(tokens(200, 1))
        scheduler.add(job)
        for _ in range(3):
            scheduler.step()
        assert job.done
        assert scheduler.jobs == 0
    assert device.read == 3 * TILE


def test_what_is_unwanted_is_read_no_further_and_what_was_read_stays() -> None:
    device, scheduler = sharing(2, fixed=True)
    job, unwanted = ahead(tokens(500, 1))
    scheduler.add(job)
    scheduler.step(Share.ONE)
    unwanted.set()
    scheduler.step(Share.ONE)
    assert scheduler.jobs == 0
    assert device.read == TILE
    asked = Scoring(((*tokens(500, 1), 1), (*tokens(500, 1), 2)), GROUPS)
    scoring = ScoringJob(asked, 1024)
    scheduler.add(scoring)
    scheduler.step()
    assert scoring.reused == TILE


def test_nobody_waits_for_what_is_read_ahead() -> None:
    """It gives way after a batch, and who begins alike goes on from there."""
    for seed, known in ((1, TILE), (2, 0)):
        device, scheduler = sharing(2, fixed=True)
        job, _ = ahead(tokens(500, 1))
        scheduler.add(job)
        scheduler.step(Share.ONE)
        text = tokens(500, seed)
        scoring = ScoringJob(Scoring(((*text, 1), (*text, 2)), GROUPS), 1024)
        scheduler.add(scoring)
        scheduler.step(Share.ONE)
        assert len(device.batches) == 2
        assert scoring.reused == known
        assert scoring.position == known + TILE


def test_a_batch_that_fails_while_something_is_read_ahead_harms_nobody() -> None:
    device, scheduler = sharing(2, fixed=True)
    job, _ = ahead(tokens(200, 1))
    scheduler.add(job)
    device.fail_decode = 1
    scheduler.step()
    assert scheduler.jobs == 0
    asked = Scoring(((*tokens(200, 1), 1), (*tokens(200, 1), 2)), GROUPS)
    scoring = ScoringJob(asked, 1024)
    scheduler.add(scoring)
    while scheduler.jobs:
        scheduler.step()
    assert scoring.future.result(timeout=0).mass == scored(asked)
    assert scoring.reused == 0

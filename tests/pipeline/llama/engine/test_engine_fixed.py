"""An engine that repeats itself to the last bit."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Message
from pipeline.assembly import embedded
from pipeline.errors import ContextOverflow, ModelFault
from pipeline.llama.engine import Adapter, Ahead, Engine, Generation, Sampling, Saving, Scores, Scoring
from pipeline.llama.engine.device import TILE, Row
from pipeline.llama.engine.jobs import AheadJob, Job, WritingJob
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.looking import SavingJob
from pipeline.llama.engine.scheduler import Scheduler
from pipeline.llama.engine.scoring import ScoringJob
from pipeline.llama.model import LlamaModel
from pipeline.llama.optimise import Kind, requantised
from tests.pipeline.llama.engine.fake_device import VOCABULARY, WORDS, FakeDevice, got, read_alone
from tests.pipeline.llama.engine.fake_device import scored as expected

PREAMBLE = "You hold every answer against these rules, one by one, and say yes or no to each. " * 4
STORY = "Once there was a mill by a river, and in the mill lived a cat who could count. "
SUBJECTS = ("rain", "tea and honey, with a little milk in it")


FILLER = 13
"""The sequence of rows that nobody asked for."""


def serve(scheduler: Scheduler, job: Job) -> None:
    """To the end."""
    scheduler.add(job)
    while scheduler.jobs:
        scheduler.step()


def done(requests: Sequence[Generation | Scoring], *, batch: int = 8, share: Share = Share.ALL) -> FakeDevice:
    """A device on which these requests have been served, one after another; it remembers the last one's batches."""
    device = FakeDevice(cells=512, batch=batch, threads=2)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    for request in requests:
        device.batches.clear()
        device.places.clear()
        job = ScoringJob(request) if isinstance(request, Scoring) else WritingJob(request, WORDS)
        scheduler.add(job)
        while scheduler.jobs:
            scheduler.step(share if scheduler.load.apart else Share.ALL)
        got(job.writing) if isinstance(job, WritingJob) else job.future.result()
    return device


def batches(requests: Sequence[Generation | Scoring]) -> list[tuple[Row, ...]]:
    """What is read for the last of these requests, batch by batch."""
    return done(requests).batches


tokens = st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=20).map(tuple)
writings = st.builds(Generation, tokens, st.integers(1, 6))
GROUPS = ((1,), (2, 3))
scorings = st.builds(
    lambda pinned, rest: Scoring(tuple(pinned + own for own in rest), GROUPS, pinned=len(pinned)),
    st.sampled_from([(1, 2, 3) * 4, (4, 5) * 9]),
    st.lists(tokens, min_size=1, max_size=8),
)


def wanted(found: Sequence[Sequence[Row]]) -> list[tuple[int, int, int, bool]]:
    """The rows that were asked for: which token, where, in which sequence, and whether what follows is wanted."""
    return [row[:4] for batch in found for row in batch if row.sequence != FILLER]


def placed(device: FakeDevice) -> list[tuple[tuple[int, int, int, bool], int]]:
    """The same rows, and where their cells lie."""
    places = [place for batch in device.places for place in batch]
    rows = [row for batch in device.batches for row in batch]
    return [(row[:4], place) for row, place in zip(rows, places, strict=True) if row.sequence != FILLER]


@given(st.lists(st.one_of(writings, scorings), max_size=4), st.one_of(writings, scorings))
def test_a_request_is_read_in_the_same_order_whatever_came_before(
    before: list[Generation | Scoring], last: Generation | Scoring
) -> None:
    """Row by row, into the same cells; but for the pinned prefix and what follows it, as far as that is known."""
    alone, after = placed(done([last])), placed(done([*before, last]))
    known = len(alone) - len(after)
    assert after == alone[known:]
    assert known == 0 or not isinstance(last, Scoring) or known >= ScoringJob(last).pinned


@given(
    st.one_of(writings, scorings),
    st.sampled_from([8, 16, 128, 256]),
    st.sampled_from([Share.ALL, Share.TURNS, Share.ONE]),
)
def test_it_does_not_matter_where_batches_end(request: Generation | Scoring, batch: int, share: Share) -> None:
    """How long they may be, whether others take turns, and whether the helper reads them, a block at a time."""
    assert placed(done([request], batch=batch, share=share)) == placed(done([request]))


@pytest.mark.parametrize(("share", "rows"), [(Share.ALL, 256), (Share.TURNS, 128), (Share.REST, 128), (Share.ONE, 64)])
def test_while_others_have_something_to_do_batches_are_shorter(share: Share, rows: int) -> None:
    """And none leaves less than a tile, if it can."""
    device = FakeDevice(cells=1024, batch=256, threads=2)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    scheduler.add(ScoringJob(Scoring(((5,) * 650,), GROUPS)))
    while scheduler.jobs:
        scheduler.step(share)
    lengths = [len(batch) for batch in device.batches]
    assert lengths[:2] == [rows, rows]
    assert min(lengths) >= TILE
    assert sum(lengths) == 650


@given(st.lists(st.one_of(writings, scorings), max_size=4), st.one_of(writings, scorings))
def test_what_is_not_pinned_is_read_in_whole_tiles(
    before: list[Generation | Scoring], last: Generation | Scoring
) -> None:
    """All but the rows of who writes, which are alone."""
    pinned = ScoringJob(last).pinned if isinstance(last, Scoring) else 0
    for batch in batches([*before, last]):
        alone = isinstance(last, Generation) and len(batch) == 1 and batch[0].wanted
        if batch[0].position >= pinned and not alone:
            assert len(batch) == 8


@given(st.lists(tokens, min_size=1, max_size=3), st.integers(0, 40))
def test_what_the_last_job_has_read_is_not_read_again(ends: list[tuple[int, ...]], length: int) -> None:
    """Its branches, and what it wrote, are no part of that."""
    pinned, text = (1, 2, 3) * 4, (5,) * length
    asked = Scoring(tuple(pinned + text + (6, number) + end for number, end in enumerate(ends)), GROUPS, pinned=12)
    longer = Scoring((pinned + text + (7, 7, 7),), GROUPS, pinned=12)
    positions = [position for _, position, *_ in wanted(batches([asked, longer]))]
    assert min(positions) == 12 + length


@pytest.mark.parametrize("length", [12, 13])
def test_there_are_always_cells_to_fill_a_tile_with(length: int) -> None:
    """Which nobody else gets."""
    device = FakeDevice(cells=20, batch=8)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    job = ScoringJob(Scoring(((1, 2, 3) * 4 + (4,) * (length - 12),), GROUPS))
    serve(scheduler, job)
    assert isinstance(job.future.exception(), ContextOverflow) == (length > 12)
    assert [len(batch) for batch in device.batches] == ([] if length > 12 else [8, 8])
    assert device.used([FILLER]) == 0


def test_a_preamble_that_was_half_read_is_read_on() -> None:
    """What is read ahead may be broken off anywhere."""
    device = FakeDevice(cells=512, batch=8)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    asked = Scoring(((1, 2, 3) * 10 + (4, 5), (1, 2, 3) * 10 + (6, 7)), GROUPS, pinned=30)
    unwanted = threading.Event()
    scheduler.add(AheadJob(Ahead(asked.prompts[0], unwanted, pinned=30)))
    for _ in range(2):
        scheduler.step()
    unwanted.set()
    job = ScoringJob(asked)
    serve(scheduler, job)
    assert job.reused == 16
    assert job.future.result(timeout=0).mass == expected(asked)


LORA = (Adapter(Path("lora")),)
asks = st.builds(
    lambda text, ends, pinned, adapters: Scoring(
        tuple((*text, 6, *end) for end in ends), GROUPS, pinned=pinned, plain=12, adapters=adapters
    ),
    st.sampled_from([(1, 2, 3) * 4, (1, 2, 3) * 9, (1, 2, 3) * 9 + (4,) * 9, (1,) * 3]),
    st.lists(tokens, min_size=1, max_size=3),
    st.sampled_from([0, 3, 12]),
    st.sampled_from([(), LORA]),
)


ways = st.sampled_from(["score", "ahead", "broken off", "write"])


@given(st.lists(st.tuples(asks, ways, st.booleans(), st.booleans()), max_size=8))
def test_whatever_is_asked_in_turn_comes_out_right(requests: list[tuple[Scoring, str, bool, bool]]) -> None:
    """Scored, read ahead, broken off or written, `helped` or not, with a batch that fails in between."""
    device = FakeDevice(cells=512, batch=16, threads=2)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)

    def step(*, helped: bool) -> None:
        scheduler.step(Share.ONE if helped and scheduler.load.apart else Share.ALL)

    for request, how, fails, helped in requests:
        device.fail_decode = int(fails)
        unwanted = threading.Event()
        job: Job
        if how == "score":
            job = ScoringJob(request)
        elif how == "write":
            job = WritingJob(Generation(request.prompts[0], 3), WORDS)
        else:
            job = AheadJob(Ahead(request.prompts[0], unwanted, request.pinned))
        scheduler.add(job)
        step(helped=helped)
        if how == "broken off":
            unwanted.set()
        while scheduler.jobs:
            step(helped=helped)
        assert job.done
        if isinstance(job, ScoringJob) and job.future.exception() is None:
            assert job.future.result().mass == expected(request)
        elif isinstance(job, ScoringJob):
            assert fails


def test_what_is_written_after_a_question_finds_it_read() -> None:
    """A critique: preamble and text are there, and the next question finds them, too."""
    device = FakeDevice(cells=512, batch=8)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    text = (1, 2, 3) * 12
    asked = Scoring(((*text, 4, 5), (*text, 6, 7)), GROUPS, pinned=12)
    reused = []
    for job in (ScoringJob(asked), WritingJob(Generation((*text, 4, 5, 6), 3, pinned=12), WORDS), ScoringJob(asked)):
        serve(scheduler, job)
        reused.append(job.reused)
    assert reused == [0, 36, 36]


def test_what_was_read_last_is_saved_without_a_step() -> None:
    """Where that cannot be done, who comes next finds all as ever."""
    device, prompt = FakeDevice(cells=512, batch=8, threads=2), (1, 2, 3) * 10
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    for failing in (0, 0, 1, 0):
        device.fail_save = failing
        job = SavingJob(Saving(prompt))
        serve(scheduler, job)
        if failing:
            assert isinstance(job.future.exception(), ModelFault)
        else:
            assert job.future.result().tobytes() == read_alone(prompt).tobytes()
    assert sum(len(wanted([batch])) for batch in device.batches) == len(prompt)


def test_preambles_are_kept_by_their_last_use_in_half_of_the_cells() -> None:
    device = FakeDevice(cells=128, batch=8)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    preambles = [(seed, 1, 2, 3) * 6 for seed in (1, 2, 3)]

    def reused(number: int) -> int:
        job = ScoringJob(Scoring(((*preambles[number], 5, 6), (*preambles[number], 7, 6)), GROUPS, pinned=24))
        serve(scheduler, job)
        return job.reused

    # Two of 24 tokens are kept: the third drives out the one that was used longest ago.
    assert [reused(number) for number in (0, 1, 0, 2, 0, 1)] == [0, 0, 24, 0, 24, 0]


def test_a_preamble_that_cannot_be_kept_is_read_again() -> None:
    device = FakeDevice(cells=512, batch=8)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    reused = []
    for start, device.fail_save in ((1, 99), (2, 0), (1, 0), (2, 0), (1, 0)):
        asked = Scoring(((*(start,) * 16, 5, 6), (*(start,) * 16, 7, 6)), GROUPS, pinned=16)
        job = ScoringJob(asked)
        serve(scheduler, job)
        assert job.future.result(timeout=0).mass == expected(asked)
        reused.append(job.reused)
    assert reused == [0, 0, 0, 16, 16]


def test_a_model_that_cannot_forget_a_part_reads_it_all_again() -> None:
    device = FakeDevice(cells=512, batch=8, cuttable=False)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    for times, reused in ((8, 0), (8, 24), (7, 0)):  # the second goes on where the first one's trunk ended
        asked = Scoring(((1, 2, 3) * (times + 1), (1, 2, 3) * times + (2, 2)), GROUPS)
        job = ScoringJob(asked)
        serve(scheduler, job)
        assert job.reused == reused
        assert job.future.result(timeout=0).mass == expected(asked)


@pytest.mark.parametrize(("recurs", "second"), [(False, 7), (True, 8)])
def test_it_still_knows_the_preamble(recurs: bool, second: int) -> None:
    """Which is brought back, where nothing can be cut off behind it, and where it would be gone on from a state that
    was rounded otherwise."""
    device = FakeDevice(cells=512, batch=8, cuttable=False, recurs=recurs)
    scheduler = Scheduler(device, parallel=4, sequences=14, fixed=True)
    reused = []
    for times in (8, second):
        asked = Scoring(((1, 2, 3) * (times + 1), (1, 2, 3) * times + (2, 2)), GROUPS, pinned=12)
        job = ScoringJob(asked)
        serve(scheduler, job)
        assert job.future.result(timeout=0).mass == expected(asked)
        reused.append(job.reused)
    assert reused == [0, 12]


def test_what_follows_another_preamble_is_read_anew() -> None:
    """Though it begins alike: it is read in other batches there, and so rounded otherwise."""
    text = (1, 2, 3) * 10
    one, other = (Scoring((text,), GROUPS, pinned=pinned) for pinned in (6, 12))
    assert len(wanted(batches([one, other]))) == len(text)


@pytest.fixture(scope="module")
def weights() -> LlamaModel:
    return LlamaModel(embedded.weights())


@pytest.fixture
def fixed(weights: LlamaModel) -> Iterator[Engine]:
    engine = Engine(weights, context=1024, threads=1, fixed=True)
    yield engine
    engine.close()


def writing(model: LlamaModel, subject: str) -> Generation:
    prompt = model.prompt([Message("user", f"{STORY}Write about {subject}.")])
    return Generation(tuple(prompt), 8, Sampling(temperature=0.9, seed=4))


def scoring(model: LlamaModel, subject: str) -> Scoring:
    """Two questions on one text, behind a preamble that is pinned."""
    system = Message("system", PREAMBLE)
    prompts = tuple(
        tuple(model.prompt([system, Message("user", f"{STORY}{subject}. Is it {what}?")]))
        for what in ("calm", "kind and honest")
    )
    groups = (model.spellings["yes"], model.spellings["no"])
    return Scoring(prompts, groups, pinned=model.preamble(system))


def written(engine: Engine, subject: str) -> list[int]:
    request = engine.generate(writing(engine.model, subject))
    for _ in request:
        pass
    return request.tokens


def scored(engine: Engine, subject: str) -> Scores:
    return engine.score(scoring(engine.model, subject)).result()


def test_what_was_done_before_changes_no_bit(fixed: Engine, weights: LlamaModel) -> None:
    """Probabilities are the same to the last bit, and so are tokens, whether a request is the first of an engine, or
    comes after others with whom it begins alike, and what is known is not read again."""
    first = {subject: (written(fixed, subject), scored(fixed, subject)) for subject in SUBJECTS}
    for subject in reversed(SUBJECTS):
        fresh = Engine(weights, context=1024, threads=1, fixed=True)
        alone = scored(fresh, subject)
        assert (written(fresh, subject), alone.mass) == (first[subject][0], first[subject][1].mass)
        fresh.close()
        again = scored(fixed, subject)
        assert again.mass == alone.mass
        assert written(fixed, subject) == first[subject][0]
        assert alone.reused == 0
        assert again.reused >= weights.preamble(Message("system", PREAMBLE))


def test_what_is_asked_after_a_question_changes_no_bit_of_it(weights: LlamaModel) -> None:
    """Each alone, the first of an engine, and both at once; only the cells of the second are then others, and what is
    added up in another order is rounded otherwise."""
    both = scoring(weights, SUBJECTS[1])
    found: list[tuple[float, ...]] = []
    for prompts in (both.prompts, *([prompt] for prompt in both.prompts)):
        engine = Engine(weights, context=1024, threads=1, fixed=True)
        found += engine.score(replace(both, prompts=tuple(prompts))).result().mass
        engine.close()
    assert found[0] == found[2]
    assert found[1] == pytest.approx(found[3], abs=0.01)


def test_what_is_read_on_from_the_last_job_is_the_same_to_the_last_bit(weights: LlamaModel) -> None:
    """A text that grows, judged again and again, on one thread and on two."""
    found = []
    for threads in (1, 2):
        grown = Engine(weights, context=1024, threads=threads, fixed=True)
        for length in (1, 9, 10, 24):
            again = scored(grown, STORY * length)
            fresh = Engine(weights, context=1024, threads=threads, fixed=True)
            found.append((length, scored(fresh, STORY * length).mass))
            fresh.close()
            assert again.mass == found[-1][1]
        assert again.read < 24 * len(weights.tokenise(STORY, False)) - 100
        grown.close()
    assert found[:4] == found[4:]


def test_callers_at_the_same_time_wait_for_one_another(fixed: Engine) -> None:
    """And get what they would have got alone."""
    alone = [(written(fixed, subject), scored(fixed, subject).mass) for subject in SUBJECTS]
    found: dict[int, tuple[list[int], tuple[tuple[float, ...], ...]]] = {}

    def ask(number: int) -> None:
        found[number] = (written(fixed, SUBJECTS[number]), scored(fixed, SUBJECTS[number]).mass)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(2)] == alone


@pytest.mark.parametrize("kind", [None, "q8_0", "iq4_nl"])
def test_how_long_its_batches_are_changes_no_bit(
    weights: LlamaModel,
    tmp_path: Path,
    four_bits: Path,
    monkeypatch: pytest.MonkeyPatch,
    decoded: list[tuple[Row, ...]],
    kind: Kind | None,
) -> None:
    """In each form in which the embedded model judges. They may be longer than others', whose callers would wait."""
    model = weights
    if kind:
        model = LlamaModel(four_bits if kind == "iq4_nl" else requantised(weights.path, kind, tmp_path))
    found = []
    for most in (256, 128, 64):
        engine = Engine(model, context=1024, threads=2, fixed=True)
        found.append(scored(engine, "; ".join(SUBJECTS * 40)).mass)
        engine.close()
        assert max(map(len, decoded)) == most
        decoded.clear()
        monkeypatch.setattr("pipeline.llama.engine.engine.LONG_BATCH", most // 2)
    assert found[0] == found[1] == found[2]


def test_a_usual_engine_does_change_bits(weights: LlamaModel) -> None:
    """Or the tests above would show nothing: what begins with something known is read in smaller batches, which round
    otherwise."""
    half = ", and ".join(SUBJECTS * 2)
    found = []
    for known in (SUBJECTS[0], f"{half}, and"):
        usual = Engine(weights, context=1024, threads=1)
        scored(usual, known)
        found.append(scored(usual, f"{half}, and {half}"))
        usual.close()
    one, other = found
    assert one.read > 64 > other.read
    assert one.mass != other.mass
    assert one.mass[0] == pytest.approx(other.mass[0], abs=0.05)

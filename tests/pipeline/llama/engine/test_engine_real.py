"""The engine on the embedded weights."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from critics import Message
from pipeline.assembly import embedded
from pipeline.errors import BadInput, ContextOverflow, ModelFault, ModelMissing, ModelUnavailable, ModelUnusable
from pipeline.llama.engine import THREAD, Adapter, Engine, Generation, LlamaDevice, Sampling, Scores, Scoring, Writing
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.jobs import Job, Words, WritingJob
from pipeline.llama.engine.scheduler import GRACE, Scheduler
from pipeline.llama.engine.scoring import ScoringJob
from pipeline.llama.judge_model import gbnf
from pipeline.llama.model import LlamaModel
from tests.pipeline.llama.engine.lora_file import write_lora

ROUNDING = 0.02
"""Batches of other shapes add up in another order: bench/agreement.py."""

QUESTIONS = (
    "Name three colours.",
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "Why is the sky blue?",
    "How many legs has a spider?",
    "Say hello to a friend.",
    "What does a baker do?",
    "Give me a word that rhymes with cat.",
)
TELLING = "Once there was a mill by a river, and in the mill lived a cat. " * 3 + "Once there was a mill by a"
STORY = "Once there was a mill by a river, and in the mill lived a cat who could count. " * 8


@pytest.fixture(scope="module")
def weights() -> LlamaModel:
    return LlamaModel(embedded.weights())


@pytest.fixture(scope="module")
def own(weights: LlamaModel) -> Iterator[Engine]:
    engine = Engine(weights, context=1024, threads=1)
    yield engine
    engine.close()


def asked(model: LlamaModel, question: str) -> tuple[int, ...]:
    return tuple(model.prompt([Message("user", question)]))


def tokens(model: LlamaModel, text: str) -> tuple[int, ...]:
    return tuple(model.tokenise(text, False))


def text(writing: Writing) -> str:
    return "".join(chunk.text for chunk in writing)


# Writing


def alone(model: LlamaModel, request: Generation, *, flash: bool = True) -> list[int]:
    """What is written from an empty cache: what lies where in it decides how sums are rounded."""
    engine = Engine(model, context=256, threads=1, flash=flash)
    writing = engine.generate(request)
    text(writing)
    engine.close()
    return writing.tokens


@pytest.mark.parametrize("flash", [True, False], ids=["flash attention", "plain"])
def test_greedy_text_is_llama_cpps_own(weights: LlamaModel, flash: bool) -> None:
    """Token for token, as its high-level interface writes from the same prompt."""
    plain = llama_cpp.Llama(
        str(weights.path), n_ctx=512, n_threads=1, n_threads_batch=1, flash_attn=flash, verbose=False
    )
    for question in QUESTIONS[:4]:
        ids = asked(weights, question)
        plain.reset()  # type: ignore[no-untyped-call]
        plain.eval(list(ids[:-1]))  # as the engine reads it, in a batch of its own: another cut rounds otherwise
        expected: list[int] = []
        for token in plain.generate(list(ids), temp=0.0, repeat_penalty=1.0):
            if weights.ends(token) or len(expected) == 16:
                break
            expected.append(token)
        assert alone(weights, Generation(ids, 16), flash=flash) == expected
    plain.close()


def test_the_seed_decides(weights: LlamaModel) -> None:
    """The same one writes the same text, another one another."""
    ids = asked(weights, QUESTIONS[2])
    one, again, other = (
        alone(weights, Generation(ids, 24, Sampling(temperature=1.0, top_p=0.9, min_p=0.02, seed=seed)))
        for seed in (7, 7, 8)
    )
    assert one == again != other


def test_the_last_seed_decides_too(weights: LlamaModel) -> None:
    """Which llama.cpp takes for none, and draws one that nobody knows."""
    ids = asked(weights, QUESTIONS[2])
    one, again = (alone(weights, Generation(ids, 24, Sampling(temperature=1.0, seed=seed))) for seed in (2**32 - 1, -1))
    assert one == again


def test_sixteen_callers_at_once(own: Engine) -> None:
    """All get their text, which begins as it does alone and is often the same to the letter: batches of another size
    round otherwise, and where two words are as good as equal, that decides."""
    prompts = [asked(own.model, f"{question} {more}") for question in QUESTIONS for more in ("", "Be brief.")]
    requests = [Generation(prompt, 24) for prompt in prompts]
    alone = [text(own.generate(request)) for request in requests]
    with ThreadPoolExecutor(16) as callers:
        together = list(callers.map(lambda request: text(own.generate(request)), requests))
    assert all(together)
    assert sum(a == b for a, b in zip(alone, together, strict=True)) >= 4
    assert sum(a.split()[:3] == b.split()[:3] for a, b in zip(alone, together, strict=True)) >= 11


def test_text_ends_before_a_stop_string(weights: LlamaModel) -> None:
    """It is not shown, and no more is written."""
    ids = asked(weights, QUESTIONS[0])
    with closing(Engine(weights, context=512, threads=1)) as fresh:  # what others left in the cache rounds otherwise
        text(fresh.generate(Generation(ids, 1)))  # so that both below read on from the same
        whole = text(fresh.generate(Generation(ids, 24)))
        stop = whole[8:12]
        chunks = list(fresh.generate(Generation(ids, 24, stop=("never", stop))))
    assert "".join(chunk.text for chunk in chunks) == whole[: whole.index(stop)]
    assert chunks[-1].finish == "stop"
    assert sum(chunk.tokens for chunk in chunks) < 24


def test_a_bias_forbids_a_token(own: Engine) -> None:
    """One that would have been written without it."""
    ids = asked(own.model, QUESTIONS[1])
    first = own.generate(Generation(ids, 8))
    text(first)
    banned = first.tokens[3]
    second = own.generate(Generation(ids, 8, Sampling(bias={banned: float("-inf")})))
    text(second)
    assert second.tokens[:3] == first.tokens[:3]
    assert banned not in second.tokens


SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"enum": [3, 5]}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_grammar_is_enforced(own: Engine, temperature: float) -> None:
    """However wild the sampling: JSON of this schema comes out, whatever the model would rather say."""
    for seed in range(3):
        sampling = Sampling(temperature=temperature, top_p=0.95, seed=seed, grammar=gbnf(SCHEMA))
        answer = json.loads(text(own.generate(Generation(asked(own.model, QUESTIONS[3]), 60, sampling))))
        assert answer["colour"] in ("red", "blue")
        assert answer["count"] in (3, 5)


# Requests that fail alone


@pytest.mark.parametrize("grammar", ["root ::= (", 'branch ::= "x"', 'root ::= "\ud800'])
def test_a_bad_grammar_fails_alone(own: Engine, grammar: str) -> None:
    """Whoever writes at the same time goes on."""
    ids = asked(own.model, QUESTIONS[2])
    good = own.generate(Generation(ids, 16))
    bad = own.generate(Generation(ids, 16, Sampling(grammar=grammar)))
    with pytest.raises(ModelFault, match="grammar does not compile"):
        text(bad)
    assert text(good)


def test_what_does_not_fit_is_refused_in_the_callers_thread(own: Engine) -> None:
    """A prompt, or a prompt with its answer."""
    long = (5,) * 1000
    with pytest.raises(ContextOverflow, match="1024"):
        own.generate(Generation(long, 25))
    with pytest.raises(ContextOverflow):
        own.score(Scoring((long, (*long, *long)), ((5,),)))
    assert own.score(Scoring((long[:9],), ((5,),))).result(timeout=60).read


@pytest.mark.parametrize("token", [-1, 10**6])
def test_tokens_that_do_not_exist_are_refused(own: Engine, token: int) -> None:
    """They would fail everybody in the batch, or the worker."""
    for request in (Generation((5, token), 5), Generation((5,), 5, Sampling(bias={token: 1.0}))):
        with pytest.raises(BadInput, match="no token"):
            own.generate(request)
    for scoring in (Scoring(((5, token),), ((5,),)), Scoring(((5,),), ((token,),))):
        with pytest.raises(BadInput, match="no token"):
            own.score(scoring)


def test_empty_requests_are_refused(own: Engine) -> None:
    """There is nothing after which to write or to score."""
    for request in (Generation((), 5), Generation((5,), 0)):
        with pytest.raises(BadInput):
            own.generate(request)
    for scoring in (Scoring((), ((5,),)), Scoring(((5,), ()), ((5,),))):
        with pytest.raises(BadInput):
            own.score(scoring)


def test_a_cancelled_draft_stops_within_a_token(own: Engine) -> None:
    """Whoever listens gets what was under way, and then the reason."""
    writing = own.generate(Generation(asked(own.model, "Tell a long story."), 300))
    chunks = iter(writing)
    for _ in range(5):
        next(chunks)
    writing.cancel()
    before = len(writing.tokens)
    with pytest.raises(ModelFault, match="cancelled"):
        list(chunks)
    assert len(writing.tokens) <= before + 1


def test_a_cancelled_scoring_is_given_up(own: Engine) -> None:
    """Its prompt is not read to the end."""
    before = own.counts.read
    prompts = tuple((number, *(7,) * 800) for number in (1, 2))
    future = own.score(Scoring(prompts, ((5,),)))
    assert future.cancel()
    text(own.generate(Generation((9,), 1)))
    assert own.counts.read - before < 1600


def test_a_deadline_ends_a_request(own: Engine) -> None:
    """Writing or reading, and asking again may help."""
    writing = own.generate(Generation(asked(own.model, "Tell a long story."), 900, seconds=0.2))
    with pytest.raises(ModelUnavailable, match="time"):
        text(writing)
    assert len(writing.tokens) < 200  # the quickest machine here takes a second for them
    late = own.score(Scoring((tokens(own.model, STORY),), ((5,),), seconds=0.0))
    assert isinstance(late.exception(timeout=10), ModelUnavailable)


# Scoring


def scores(engine: Engine, *prompts: tuple[int, ...], adapters: tuple[Adapter, ...] = ()) -> npt.NDArray[np.float64]:
    groups = tuple((token,) for token in tokens(engine.model, " the a cat river No Yes"))
    return np.array(engine.score(Scoring(prompts, groups, adapters=adapters)).result(timeout=60).mass)


def test_prompts_scored_together_score_as_each_alone(own: Engine) -> None:
    """But for the rounding of other batches."""
    ends = ("Then it rained", "The cat said", "Was it a good cat? Answer Yes or No:", "The end", "And", "In the")
    prompts = [tokens(own.model, STORY + end) for end in ends]
    together = scores(own, *prompts)
    alone = np.concatenate([scores(own, prompt) for prompt in prompts])
    assert together == pytest.approx(alone, abs=0.05)
    assert together.sum() > 0.1


def test_groups_add_up(own: Engine) -> None:
    """The whole vocabulary has probability one, and none has nothing."""
    everything = tuple(range(own.model.vocabulary_size))
    ((whole, none),) = own.score(Scoring((tokens(own.model, STORY),), (everything, ()))).result(timeout=60).mass
    assert whole == pytest.approx(1)
    assert none == 0


# The worker


def test_a_full_queue_refuses(weights: LlamaModel) -> None:
    """Rather than to grow; who is inside is not touched."""
    engine = Engine(weights, context=512, threads=1, parallel=1, waiting=1)
    ids = asked(weights, "Tell a long story.")
    first = engine.generate(Generation(ids, 200))
    next(iter(first))
    second = engine.generate(Generation(ids, 2))
    with pytest.raises(ModelUnavailable, match="try again"):
        engine.generate(Generation(ids, 2))
    with pytest.raises(ModelUnavailable):
        engine.score(Scoring((ids,), ((5,),)))
    first.cancel()
    assert text(second)
    engine.close()


def test_closing_ends_whatever_is_under_way(weights: LlamaModel) -> None:
    """Nobody is left waiting, and who comes afterwards is refused."""
    engine = Engine(weights, context=512, threads=1, parallel=2)
    ids = asked(weights, "Tell a long story.")
    writings = [engine.generate(Generation(ids, 300)) for _ in range(4)]
    futures = [engine.score(Scoring((ids,), ((5,),))) for _ in range(2)]
    next(iter(writings[0]))
    engine.close()
    for writing in writings:
        with pytest.raises(ModelFault, match="closed"):
            text(writing)
    assert all(future.done() for future in futures)
    assert engine._mailbox.wait(0)
    with pytest.raises(ModelFault, match="closed"):
        engine.generate(Generation(ids, 5))
    with pytest.raises(ModelFault, match="closed"):
        engine.score(Scoring((ids,), ((5,),)))
    engine.close()


def test_a_dropped_engine_ends(weights: LlamaModel) -> None:
    """Also where nobody closed it."""
    engine = Engine(weights, context=256, threads=1)
    mailbox = engine._mailbox
    text(engine.generate(Generation((9,), 3)))
    del engine
    gc.collect()
    assert mailbox.wait(10)


def test_all_engines_of_a_process_share_one_thread(weights: LlamaModel) -> None:
    """However many there are, and each is served."""
    engines = [Engine(weights, context=256, threads=1) for _ in range(3)]
    writings = [engine.generate(Generation((9,), 12)) for engine in engines]
    assert len({text(writing) for writing in writings}) == 1
    assert [(thread.daemon) for thread in threading.enumerate() if thread.name == THREAD] == [True]
    for engine in engines:
        engine.close()


def test_a_fault_of_ours_leaves_nobody_waiting(weights: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine says so and is closed."""
    engine = Engine(weights, context=256, threads=1)
    monkeypatch.setattr(Scheduler, "step", lambda *_: 1 / 0)
    with pytest.raises(ModelFault, match="the engine broke: ZeroDivisionError"):
        text(engine.generate(Generation((9,), 3)))
    assert engine._mailbox.wait(10)
    with pytest.raises(ModelFault, match="closed"):
        engine.generate(Generation((9,), 3))


def test_a_callback_may_close_the_engine(weights: LlamaModel) -> None:
    """It runs in the worker's thread, which cannot wait for itself."""
    engine = Engine(weights, context=256, threads=1)
    engine.score(Scoring(((9, 10, 11),), ((5,),))).add_done_callback(lambda future: engine.close())
    assert engine._mailbox.wait(10)


@pytest.mark.parametrize("parallel", [0, 32])
def test_more_callers_than_there_are_sequences_for_are_refused(weights: LlamaModel, parallel: int) -> None:
    """At once, and not by a worker that dies before it has said that it started."""
    with pytest.raises(ValueError, match="parallel"):
        Engine(weights, parallel=parallel)


# The cache, by llama.cpp's own count


class Bench:
    """A scheduler over a real context, in the test's own thread."""

    def __init__(self, model: LlamaModel) -> None:
        self.model = model
        self.words = Words(model.piece, model.ends)
        self.device = LlamaDevice(model, cells=1024, sequences=64, threads=1)
        sizes = []
        for position in range(2):
            self.device.decode([Row(9, position, 0, False)])
            sizes.append(self.device.size())
        self._cell = sizes[1] - sizes[0]
        self._rest = sizes[0] - self._cell
        self.device.clear()
        self.scheduler = Scheduler(self.device, parallel=16, sequences=64)

    @property
    def used(self) -> int:
        """Cells that are not free, as llama.cpp counts. A few bytes a sequence are rounded off."""
        return max(0, (self.device.size() - self._rest) // self._cell)

    def run(self, *jobs: Job) -> None:
        for job in jobs:
            self.scheduler.add(job)
        while self.scheduler.jobs:
            self.scheduler.step()
            assert self.used <= self.scheduler.held <= self.device.cells

    def writing(self, question: str, most: int) -> WritingJob:
        return WritingJob(Generation(asked(self.model, question), most), self.words)

    def score(self, *prompts: tuple[int, ...]) -> Scores:
        job = ScoringJob(Scoring(prompts, tuple((token,) for token in range(500))))
        self.run(job)
        return job.future.result(timeout=0)


@pytest.fixture
def bench(weights: LlamaModel) -> Iterator[Bench]:
    bench = Bench(weights)
    yield bench
    bench.device.close()


def test_no_cell_is_lost(bench: Bench) -> None:
    """After a mixed run llama.cpp counts as many cells as the tree, and none once all is parked."""
    story = tokens(bench.model, STORY)
    writers = [bench.writing(question, 12) for question in QUESTIONS]
    readers = [ScoringJob(Scoring(tuple((*story, end, 5) for end in (1, 2, number)), ((5,),))) for number in (7, 8, 9)]
    cancelled, hurried = bench.writing("Tell a story.", 200), ScoringJob(Scoring((story,), ((5,),), seconds=0.0))
    cancelled.writing.cancel()
    bench.run(*writers, *readers, cancelled, hurried)
    assert all(job.done for job in (*writers, *readers, cancelled, hurried))
    assert bench.used == bench.scheduler.held > len(story)
    bench.scheduler._tree.now += 2 * GRACE
    bench.scheduler.step()
    assert bench.used == bench.scheduler.held == 0


def test_a_parked_prefix_comes_back_as_it_was(bench: Bench) -> None:
    """The same probabilities, and only the last two tokens are read again."""
    prompt = tokens(bench.model, STORY)
    before = bench.score(prompt)
    bench.scheduler._tree.now += 2 * GRACE
    bench.scheduler.step()
    assert bench.used == 0
    after = bench.score(prompt)
    assert (after.reused, after.read) == (len(prompt) - 2, 2)
    assert np.array(after.mass) == pytest.approx(np.array(before.mass), abs=ROUNDING)


def test_part_of_a_parked_prefix_comes_back_as_it_was(bench: Bench) -> None:
    """Split in the middle, with the rest of it back in the cache as well."""
    prompt = tokens(bench.model, STORY)
    part = (*prompt[:60], *prompt[:5])
    expected = bench.score(part)
    bench.device.clear()
    bench.scheduler = Scheduler(bench.device, parallel=16, sequences=64)
    bench.score(prompt)
    bench.scheduler._tree.now += 2 * GRACE
    bench.scheduler.step()
    found = bench.score(part)
    assert found.reused == 60
    assert np.array(found.mass) == pytest.approx(np.array(expected.mass), abs=ROUNDING)


# Adapters


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rank 4, on one matrix, and nothing that was trained."""
    path = tmp_path_factory.mktemp("adapters") / "noise.gguf"
    noise = np.random.default_rng(1)
    name = "blk.5.ffn_down.weight"
    pair = {f"{name}.lora_a": noise.normal(size=(4, 1536)), f"{name}.lora_b": noise.normal(size=(576, 4))}
    write_lora(path, {key: value.astype(np.float32) for key, value in pair.items()}, alpha=4.0)
    return path


def test_an_adapter_works_by_its_scale(own: Engine, lora: Path) -> None:
    """At nought it changes nothing, a strong one much, and the next request goes without."""
    prompt = tokens(own.model, TELLING)
    without = scores(own, prompt)
    assert scores(own, prompt, adapters=(Adapter(lora, 0.0),)) == pytest.approx(without, abs=ROUNDING)
    assert abs(scores(own, prompt, adapters=(Adapter(lora, 4.0),)) - without).max() > 0.1
    assert scores(own, prompt) == pytest.approx(without, abs=ROUNDING)


def test_requests_with_other_adapters_run_at_the_same_time(own: Engine, lora: Path) -> None:
    """Each gets what it gets alone."""
    prompt = tokens(own.model, TELLING)
    kinds = ((), (Adapter(lora, 4.0),), (Adapter(lora, 0.1), Adapter(lora, 0.2)))
    alone = [scores(own, prompt, adapters=kind) for kind in kinds]
    writing = own.generate(Generation(asked(own.model, "Tell a story."), 40, adapters=kinds[1]))
    with ThreadPoolExecutor(9) as callers:
        together = list(callers.map(lambda kind: scores(own, prompt, adapters=kind), kinds * 3))
    for index, found in enumerate(together):
        assert found == pytest.approx(alone[index % 3], abs=ROUNDING)
    assert text(writing)


def test_a_bad_adapter_file_is_the_callers_fault(own: Engine, lora: Path, tmp_path: Path) -> None:
    """Missing, damaged, or no adapter: said before anything is read, and nobody else is touched."""
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(lora.read_bytes()[:600])
    ids = asked(own.model, QUESTIONS[0])
    good = own.generate(Generation(ids, 8))
    for path, error, words in (
        (tmp_path / "nowhere.gguf", ModelMissing, "no adapter file"),
        (damaged, ModelUnusable, "not an adapter"),
        (own.model.path, ModelUnusable, "not an adapter"),
    ):
        with pytest.raises(error, match=words):
            own.generate(Generation(ids, 5, adapters=(Adapter(path),)))
        with pytest.raises(error, match=words):
            own.score(Scoring((ids,), ((5,),), adapters=(Adapter(path),)))
    assert text(good)

"""A judge that reads a draft while it is written, on real weights and two threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from typing import Any

import pytest

from critics import Exchange, Manifesto, Message, Rule
from pipeline import Pipeline, assemble, load_settings
from pipeline.assembly import Parts
from pipeline.llama import Engine, LlamaJudgeModel, LlamaModel
from pipeline.llama.engine import Ahead, Scores, Scoring
from pipeline.llama.engine.device import TILE
from tests.pipeline.llama.waiting_for import until

PROMPT = "Tell me a long story about a ferry."
RULES = tuple(
    Rule(id=f"rule-{number}", statement=said, threshold=1 - 1e-9)
    for number, said in enumerate(("The answer insults nobody.", "The answer promises nothing."))
)
MANIFESTO = Manifesto(name="along", version="1", beliefs="Whoever asks gets a plain answer. " * 20, rules=RULES)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Scoring, Future[Scores]]]:
    """What is scored, and what comes of it."""
    seen: list[tuple[Scoring, Future[Scores]]] = []
    score = Engine.score

    def watched(engine: Engine, request: Scoring) -> Future[Scores]:
        seen.append((request, score(engine, request)))
        return seen[-1][1]

    monkeypatch.setattr(Engine, "score", watched)
    return seen


@contextmanager
def pipeline(tokens: int, **judge: Any) -> Iterator[Pipeline]:
    flags = {
        "optimise": False,
        "threads": 2,
        "judge": {"adapter": "none", "critiques": False, "context": 1024, **judge},
        "generator": {"max_tokens": tokens, "context": 1024},
    }
    with closing(assemble(MANIFESTO, load_settings(flags=flags))) as made:
        yield made


def probabilities(verdict: Any) -> list[float]:
    return [judgement.probability for judgement in verdict.judgements]


def test_most_of_a_draft_has_been_read_when_it_is_done_and_the_verdict_is_the_same(
    asked: list[tuple[Scoring, Future[Scores]]],
) -> None:
    """To the last bit, as by an engine that is shown the whole draft at once."""
    with pipeline(170) as made:
        made.judge("Hello?", "Hello.")  # so that the rules have been read
        (attempt,) = made.ask(PROMPT, seed=3).attempts
    with pipeline(170) as fresh:
        again = fresh.judge(PROMPT, attempt.text)
    assert probabilities(again) == probabilities(attempt.verdict)
    _, (one, along), (other, at_once) = asked
    assert one.prompts == other.prompts
    draft = attempt.usage.completion_tokens
    assert along.result().reused > one.pinned + draft // 2
    assert at_once.result().reused == 0


def test_a_seed_repeats_though_one_core_reads_along(asked: list[tuple[Scoring, Future[Scores]]]) -> None:
    """Also once there are so many cells that a row alone is rounded by the number of threads."""
    texts = []
    for _ in range(2):
        with pipeline(280) as made:
            made.judge("Hello?", "Hello.")  # so that the rules have been read
            texts.append(made.ask(PROMPT, seed=5).attempts[0].draft)
    assert texts[0] == texts[1]
    assert all(future.result().reused > request.pinned + TILE for request, future in asked[1::2])


@pytest.mark.parametrize("settings", [{"in_place": True}, {"deterministic": True}], ids=["in place", "deterministic"])
def test_where_the_cells_are_shared_nothing_is_read_ahead(settings: dict[str, bool]) -> None:
    """What was written is in the cache, or all wait for one another."""
    shared = {"judge": settings} if "in_place" in settings else settings
    flags: dict[str, Any] = {"optimise": False, "generator": {"context": 512}, **shared}
    flags["judge"] = {"adapter": "none", "context": 512, **flags.get("judge", {})}
    asked = Exchange((Message("user", PROMPT),))
    with closing(Parts(load_settings(flags=flags))) as parts, parts.critic(MANIFESTO).follow(asked, RULES) as told:
        assert told is None


def test_where_two_drafts_are_written_neither_is_read_ahead(model: LlamaModel) -> None:
    """Each would drive the other out."""
    with closing(Engine(model, context=512, threads=1, fixed=True)) as engine:
        prompt = tuple(model.tokenise(PROMPT * 20, False))[:200]
        with engine.following() as one:
            with engine.following() as other:
                assert not one.wanted
                assert not other.wanted
            until(lambda: one.wanted)
            one.read(prompt, pinned=0, adapters=())
            assert engine.score(Scoring((prompt,), ((7,),))).result().reused > 0


def test_prompts_are_made_only_where_they_can_be_read_at_once(model: LlamaModel) -> None:
    """Not while another draft is followed, nor while the engine has something to do."""
    prompt = [Message("user", PROMPT * 60)]
    long = tuple(model.tokenise(PROMPT * 60, False))

    def unwanted() -> list[list[Message]]:
        raise AssertionError("nobody can read it")

    with closing(Engine(model, context=1024, threads=2, fixed=True)) as engine:
        judge = LlamaJudgeModel(engine, ahead=True)
        with judge.following() as read:
            assert read is not None
            with engine.following():
                assert not read(unwanted)
            until(lambda: read(lambda: [prompt]))
            future = engine.score(Scoring((long,), ((7,),)))
            assert not read(unwanted)
            assert not future.done()


def test_an_answer_that_has_begun_is_gone_on_from(
    asked: list[tuple[Scoring, Future[Scores]]], model: LlamaModel
) -> None:
    """Of a rule two tokens are read: its number and a dot."""
    with pipeline(8) as made:
        made.judge(PROMPT, "There was a ferry.")
    ((request, _),) = asked
    one, other = request.prompts
    assert [list(one[-2:]), list(other[-2:])] == [model.tokenise(begun, False) for begun in ("1.", "2.")]
    assert one[:-2] == other[:-2]


def test_an_engine_for_many_reads_nothing_ahead(model: LlamaModel) -> None:
    with closing(Engine(model, context=256, threads=1)) as engine, pytest.raises(ValueError, match="one request"):
        engine.read_ahead(Ahead((1, 2, 3), threading.Event()))


def test_a_critique_finds_what_was_judged_and_no_tokens_are_others(model: LlamaModel) -> None:
    """In an engine of the judge's own: what is written after a question reads its end alone, and a draft that somebody
    wrote in strange tokens is judged in its usual ones, and in as many parts."""
    text = "A ferry goes to the island twice a day, and nobody has ever missed it. " * 8
    told = [Message("system", MANIFESTO.beliefs), Message("user", "Tell me."), Message("assistant", text)]
    question = [*told, Message("user", "Is it kind?")]
    with closing(Engine(model, context=1024, threads=1, fixed=True)) as engine:
        judge = LlamaJudgeModel(engine)
        (first,) = judge.choose([question], ["yes", "no"])
        before, length = engine.counts.read, judge.count(question)
        judge.write([*question, Message("assistant", "no"), Message("user", "Why?")], max_tokens=2)
        assert engine.counts.read - before < 40
        model.remember(text, [token for word in text.split() for token in model.tokenise(word, False)])
        (again,) = judge.choose([question], ["yes", "no"])
        assert (again.mass, judge.count(question)) == (first.mass, length)

"""Models whose sequences cannot be cut: with a recurrent state, with one beside attention, with a sliding window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from pipeline.errors import ModelUnusable
from pipeline.llama import LlamaModel, LlamaReader
from pipeline.llama.engine import Engine, Generation, Looking, Saving, Scoring, Writing
from tests.pipeline.llama.engine.odd_weights import KINDS, write_weights

PREAMBLE = tuple(range(20, 80))
GROUPS = (tuple(range(128)), tuple(range(128, 259)))
ROUNDING = 2e-3


@pytest.fixture(scope="module", params=KINDS)
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.gguf"
    write_weights(path, request.param)
    return LlamaModel(path)


@pytest.fixture(params=[False, True], ids=["shared", "fixed"])
def engine(odd: LlamaModel, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with closing(Engine(odd, context=512, threads=1, fixed=request.param)) as made:
        yield made


def begin(engine: Engine, prompt: tuple[int, ...]) -> Writing:
    return engine.generate(Generation(prompt, 24, pinned=len(PREAMBLE)))


def text(writing: Writing) -> tuple[int, ...]:
    list(writing)
    return tuple(writing.tokens)


def check_text(model: LlamaModel, prompt: tuple[int, ...], written: tuple[int, ...]) -> None:
    """Each token is the most probable one to who reads all that is before it, and nothing else."""
    assert written
    with LlamaReader(model, context=512, threads=1) as reader:
        found = reader.log_probabilities((*prompt, *written), len(prompt))
    for token, row in zip(written, found, strict=True):
        assert row[token] == pytest.approx(row.max(), abs=ROUNDING)


def check_scores(engine: Engine, prompts: tuple[tuple[int, ...], ...]) -> None:
    scores = engine.score(Scoring(prompts, GROUPS, pinned=len(PREAMBLE))).result()
    for prompt, found in zip(prompts, scores.mass, strict=True):
        with LlamaReader(engine.model, context=512, threads=1) as reader:
            [row] = np.exp(reader.log_probabilities((*prompt, 0), len(prompt)))
        assert found == pytest.approx([row[list(group)].sum() for group in GROUPS], abs=ROUNDING)


def test_what_is_shared_changes_nothing(engine: Engine) -> None:
    """Conversations with one preamble, at once and one after the other, each judged where it was written and gone on
    with: everything comes out as if nothing else had been read."""
    model = engine.model
    prompts = [(*PREAMBLE, *range(90 + 12 * number, 110 + 11 * number)) for number in range(4)]
    for _ in range(2):
        drafts = [text(writing) for writing in [begin(engine, prompt) for prompt in prompts]]
        for prompt, draft in zip(prompts, drafts, strict=True):
            check_text(model, prompt, draft)
            said = (*prompt, *draft, 7)
            check_scores(engine, tuple((*said, rule, 8, rule + 1) for rule in range(100, 105)))
            more = (*said, 9, 10, 11)
            check_text(model, more, text(begin(engine, more)))


@pytest.mark.parametrize("more", [1, 20, 64])
def test_a_judges_engine_says_the_same_after_a_question_that_it_goes_on_from(odd: LlamaModel, more: int) -> None:
    """To the last bit; with a window cells may lie in another order."""
    said = (*PREAMBLE, *range(90, 150))
    asked = [Scoring(((*text, 3, 4), (*text, 5, 6)), GROUPS) for text in (said[:-more], said)]
    found = []
    for requests in (asked, asked[1:]):
        with closing(Engine(odd, context=512, threads=1, fixed=True)) as engine:
            found.append([engine.score(request).result().mass for request in requests][-1])
    slack = 0 if odd.recurs else 5e-6
    assert np.array(found[0]) == pytest.approx(np.array(found[1]), rel=0, abs=slack)


def test_the_preamble_is_read_once(odd: LlamaModel) -> None:
    with closing(Engine(odd, context=512, threads=1)) as engine:
        text(begin(engine, (*PREAMBLE, 100, 101, 102)))
        before = engine.counts
        text(begin(engine, (*PREAMBLE, 103, 104, 105)))
        assert engine.counts.reused - before.reused == len(PREAMBLE)
        assert engine.counts.read - before.read == 2


def test_a_draft_is_judged_where_it_was_written(odd: LlamaModel) -> None:
    prompt = (*PREAMBLE, 100, 101, 102)
    with closing(Engine(odd, context=512, threads=1)) as engine:
        said = (*prompt, *text(begin(engine, prompt)), 7)
        scores = engine.score(Scoring(((*said, 8, 9), (*said, 9, 8)), GROUPS, pinned=len(PREAMBLE))).result()
    assert scores.reused >= len(said) - 2


def test_no_probe_looks_into_them(engine: Engine) -> None:
    """And who asks for one takes nothing from the others: a recurrent state, read as cells, had ended the engine."""
    with pytest.raises(ModelUnusable, match="needs a cell for each token"):
        engine.look(Looking(PREAMBLE, 0, (0,)))
    assert text(begin(engine, PREAMBLE))


def test_a_text_that_begins_alike_is_measured_anew(odd: LlamaModel) -> None:
    one, other = ((*PREAMBLE, *range(start, start + 40)) for start in (90, 150))
    with LlamaReader(odd, context=512, threads=1) as reader:
        expected = reader.log_likelihoods(other, 70)
        reader.log_likelihoods(one, 70)
        assert reader.log_likelihoods(other, 70) == pytest.approx(expected, abs=ROUNDING)


def test_what_was_read_elsewhere_is_put_back_for_each_text(odd: LlamaModel) -> None:
    """Under the name of other tokens, so that it is seen not to be read again."""
    read, named, texts = PREAMBLE[:30], PREAMBLE[30:], [tuple(range(start, start + 20)) for start in (90, 150)]
    with closing(Engine(odd, context=512, threads=1)) as engine:
        cells = engine.save(Saving(read)).result()
    with LlamaReader(odd, context=512, threads=1) as reader:
        expected = [reader.log_likelihoods((*read, *text), len(read)) for text in texts]
        assert reader.restore(named, cells)
        for text, found in zip(texts, expected, strict=True):
            assert reader.log_likelihoods((*named, *text), len(named) + 1) == pytest.approx(found[1:], abs=ROUNDING)

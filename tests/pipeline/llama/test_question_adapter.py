"""An adapter that acts on the judge's question alone, on real weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from critics import Message
from pipeline.llama import Adapter, Engine, LlamaJudgeModel, LlamaModel
from pipeline.llama.engine import Generation
from tests.pipeline.llama.engine.lora_file import write_lora

SAID = [Message("user", "Name a fruit."), Message("assistant", "An apple is a fruit.")]
QUESTIONS = [[*SAID, Message("user", f"Is this so? {what}")] for what in ("It is sweet.", "It is red.", "It is a car.")]
CHOICES = ("yes", "no")


@pytest.fixture(scope="module")
def engine(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=1024, threads=2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapters") / "noise.gguf"
    draw = np.random.default_rng(0)
    tensors = {
        f"blk.{layer}.attn_q.weight.lora_{side}": draw.normal(size=shape).astype(np.float32)
        for layer in range(30)
        for side, shape in (("a", (4, 576)), ("b", (576, 4)))
    }
    write_lora(path, tensors, alpha=4.0)
    return path


def yes(judge: LlamaJudgeModel) -> list[float]:
    return [
        reading.mass["yes"] / (reading.mass["yes"] + reading.mass["no"]) for reading in judge.choose(QUESTIONS, CHOICES)
    ]


def test_it_changes_the_answers_and_nothing_that_was_said(engine: Engine, noise: Path) -> None:
    """Before and after, the model without it says the same of the same cells, and writes the same."""
    plain, adapted = LlamaJudgeModel(engine), LlamaJudgeModel(engine, adapters=(Adapter(noise, 1.0),))
    # Of the other questions' answers some word is nearly as likely as another: which it is depends on where cells lie.
    asked = Generation(tuple(engine.model.prompt(QUESTIONS[1])), 12)
    before, written = yes(plain), [chunk.text for chunk in engine.generate(asked)]
    changed = yes(adapted)
    assert np.abs(np.subtract(changed, before)).max() > 0.1
    assert yes(plain) == pytest.approx(before, abs=0.04)
    assert [chunk.text for chunk in engine.generate(asked)] == written
    assert yes(adapted) == pytest.approx(changed, abs=0.04)


def test_switched_on_without_strength_it_changes_nothing(engine: Engine, noise: Path) -> None:
    """So reading in two parts, and the switch between them, cost no accuracy."""
    nothing = LlamaJudgeModel(engine, adapters=(Adapter(noise, 0.0),))
    assert yes(nothing) == pytest.approx(yes(LlamaJudgeModel(engine)), abs=0.04)


def test_the_question_begins_where_its_turn_does(model: LlamaModel) -> None:
    """What comes before is what a generator leaves in the cache, and the end of its turn."""
    for question in QUESTIONS:
        said = model.prompt(question)[: model.before_last(question)]
        shown = b"".join(model.piece(token, special=True) for token in said).decode()
        assert shown.endswith("An apple is a fruit.<|im_end|>\n")

"""Training on real weights, a few steps: what torch learnt, llama.cpp says."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from critics import Conversation, Exchange, Judge, Manifesto, Message, Rule
from pipeline import SettingsError, assemble, load_settings
from pipeline.errors import BadInput
from pipeline.identity import Made
from pipeline.llama import ACTS_ON, MADE_FOR, Adapter, Engine, LlamaJudgeModel, LlamaModel, fingerprint
from pipeline.training.adapter_file import write_adapter
from pipeline.training.examples import tokenised
from pipeline.training.judge_adapter import JudgeCheck, Trained, train_adapter
from pipeline.training.lora import JudgePlan
from pipeline.training.rows import Row
from pipeline.training.split import split
from tests.pipeline.cli.test_cli import run

pytestmark = pytest.mark.usefixtures("read_once")

CATS = Rule(id="no-cats", statement="The answer does not speak of cats.")
SHOUTS = Rule(id="calm", statement="The answer does not shout.")
Probabilities = np.ndarray[tuple[int, int], np.dtype[np.float64]]
PLAN = JudgePlan(rank=4, alpha=8, rate=1e-3, batch=4, epochs=4, check_every=4)
SUBJECTS = ("rain", "bread", "trains", "paint", "maths", "tea", "shoes", "rivers", "clocks", "ships")


def rows() -> list[Row]:
    found = []
    for number, subject in enumerate(SUBJECTS * 2):
        cat, loud = bool(number % 2), number % 4 > 1
        draw = random.Random(number)
        more = " ".join(draw.choice(SUBJECTS) for _ in range(4))
        said = f"{subject} and {more}: {'my cat likes them' if cat else 'I like them'}."
        exchange = Exchange((Message("user", f"Tell me of {subject}."),), said.upper() if loud else said)
        found.append(Row(exchange, {CATS: cat, SHOUTS: loud}, "cats"))
    return found


@pytest.fixture(scope="module")
def checks() -> list[JudgeCheck]:
    return []


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained") / "judge.gguf"


@pytest.fixture(scope="module")
def trained(model: LlamaModel, out: Path, checks: list[JudgeCheck]) -> Trained:
    return train_adapter(rows(), model.path, out, PLAN, held=0.2, threads=2, checked=checks.append)


@pytest.fixture(scope="module")
def adapter(trained: Trained, out: Path) -> Path:
    return out


@pytest.fixture(scope="module")
def before(model: LlamaModel) -> Probabilities:
    """What is held out, judged without an adapter."""
    return judged(model, None, held())


@pytest.fixture(scope="module")
def there(model: LlamaModel, adapter: Path) -> Probabilities:
    """The same with the adapter."""
    return judged(model, adapter, held())


def held() -> list[Row]:
    return [rows()[place] for place in split(rows(), held=0.2, seed=PLAN.seed).held]


def log_loss(said: Probabilities) -> float:
    """Of what was held out."""
    truth = np.array([list(row.labels.values()) for row in held()], dtype=np.float64)
    return float(-np.log(np.abs(1 - truth - said)).mean())


def judged(model: LlamaModel, path: Path | None, found: Sequence[Row]) -> Probabilities:
    engine = Engine(model, context=1024)
    adapters = (Adapter(path),) if path else ()
    judge = Judge(LlamaJudgeModel(engine, adapters=adapters), critiques=False, trained=True)
    said = [[f.probability for f in judge(row.exchange, list(row.labels))] for row in found]
    engine.close()
    return np.array(said, dtype=np.float64)


def test_what_torch_learnt_llama_cpp_says(trained: Trained, before: Probabilities, there: Probabilities) -> None:
    """Names, halves of heads, scale and where it is switched on: any of them wrong, and the two would differ."""
    assert np.abs(there - before).max() > 0.1
    assert log_loss(there) == pytest.approx(trained.log_loss, abs=0.1)


def test_so_it_is_where_the_question_alone_is_adapted(
    model: LlamaModel, adapter: Path, before: Probabilities, there: Probabilities, tmp_path: Path
) -> None:
    """And it can be gone on from another adapter: what is begun with is heard in its first word."""
    plan = replace(PLAN, acts_on="question", epochs=1, rate=1e-9)
    out = tmp_path / "judge.gguf"
    found = train_adapter(rows(), model.path, out, plan, start=adapter, held=0.2, threads=2)
    here = judged(model, out, held())
    assert log_loss(here) == pytest.approx(found.log_loss, abs=0.1)
    assert np.abs(here - before).max() > 0.1
    assert np.abs(here - there).max() > 0.02


def test_an_adapter_is_of_one_model(adapter: Path, tmp_path: Path) -> None:
    """Weights of the same shape would take it, and judge at random."""
    strange = tmp_path / "strange.gguf"
    learnt = {f"base_model.model.model.layers.0.self_attn.v_proj.lora_{side}.weight": torch.zeros(shape)
              for side, shape in (("A", (2, 576)), ("B", (192, 2)))}  # fmt: skip
    write_adapter(strange, learnt, alpha=2, heads={}, name="x", metadata={ACTS_ON: "exchange", MADE_FOR: "others"})
    manifesto = Manifesto(name="m", version="1", rules=(CATS,))
    for file, fits in ((strange, False), (adapter, True)):
        settings = load_settings(flags={"judge": {"adapter": str(file)}})
        with nullcontext() if fits else pytest.raises(SettingsError, match="trained on other weights"):
            assemble(manifesto, settings, drafts=False)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({MADE_FOR: "others"}, "trained on other weights"),
        (Made.of("lora", Manifesto(name="m", version="1", rules=(CATS,))).metadata(), "it is an identity"),
    ],
)
def test_what_it_goes_on_from_is_a_judges_of_these_weights(
    model: LlamaModel, tmp_path: Path, told: Mapping[str, str], why: str
) -> None:
    """Else what is written would say that it is, though it began with something else."""
    strange, out = tmp_path / "strange.gguf", tmp_path / "judge.gguf"
    write_adapter(strange, {}, alpha=2, heads={}, name="x", metadata={MADE_FOR: fingerprint(model.path)} | dict(told))
    with pytest.raises(BadInput, match=why):
        train_adapter(rows(), model.path, out, PLAN, start=strange)


def test_the_checks_are_told_and_the_best_is_kept(trained: Trained, adapter: Path, checks: list[JudgeCheck]) -> None:
    assert [check.step for check in checks] == [4, 8, 12, 16]
    assert list(trained.checks) == checks
    assert checks[-1].loss < checks[0].loss
    assert trained.held == len(split(rows(), held=0.2, seed=PLAN.seed).held)
    assert trained.by_source["cats"][:2] == (trained.held, 2 * trained.held)
    assert not adapter.with_name("judge.gguf.state").exists()


def test_a_run_that_was_stopped_goes_on(model: LlamaModel, tmp_path: Path) -> None:
    """At its last check, with what it had learnt; other rows begin anew."""
    out = tmp_path / "judge.gguf"
    plan = JudgePlan(rank=2, alpha=4, batch=4, epochs=1, check_every=1)

    def stop(step: int, _: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        train_adapter(rows()[:12], model.path, out, plan, held=0.2, stepped=stop)
    assert not out.exists()
    train_adapter(rows()[:12], model.path, out, plan, held=0.2, stepped=lambda step, _: steps.append(step))
    assert steps[0] == 2
    assert out.exists()


def test_the_questions_are_those_of_the_judge(model: LlamaModel) -> None:
    """Training and judging must not drift apart: the same tokens, in the same order."""
    row = rows()[0]
    example = tokenised(row, model)
    asked = [model.prompt(question) for question in _questions(row)]
    assert [(*example.context, *example.stem, *branch) for branch in example.branches] == [tuple(ids) for ids in asked]
    assert model.piece(example.context[-2], special=True) == b"<|im_end|>"
    assert example.broken == (False, False)


def _questions(row: Row) -> list[list[Message]]:
    asking = Conversation.unmasked(row.exchange, row.exchange.draft)
    return [asking.question(rule) for rule in row.labels]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"text": "a", "response": "b", "labels": {"Be kind to all.": 1}}))
    result = run("critic", "train", str(file), "-o", str(tmp_path / "x.gguf"))
    assert result.exit_code == 2
    assert "all labels are the same" in result.stderr
    result = run("critic", "train", str(file), "-o", str(tmp_path / "x.bin"))
    assert result.exit_code == 2
    assert ".gguf" in result.stderr

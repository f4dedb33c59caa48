"""Distillation on real weights, a few steps: what torch learnt, llama.cpp and PEFT say as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from critics import Manifesto, Message, Rule
from pipeline.assembly import Parts, embedded
from pipeline.files.lora_file import read_metadata
from pipeline.identity import Made, made_of_adapter, preprompt
from pipeline.identity.lessons import Lesson
from pipeline.identity.lessons.lesson import likely
from pipeline.identity.lessons.released import as_released
from pipeline.llama import Adapter, Engine, LlamaModel, LlamaReader
from pipeline.settings import load_settings
from pipeline.training.adapted import loaded
from pipeline.training.distil import Distiller, IdentityPlan, divergence
from pipeline.training.identity_adapter import CURVE, IdentityCheck, _key, train_identity
from pipeline.training.run import Saved

pytestmark = pytest.mark.usefixtures("read_once")

WEIGHTS = embedded.weights()
MANIFESTO = Manifesto(
    name="mill",
    version="1",
    beliefs="Answers are of flour.",
    rules=(Rule(id="a", statement="Every answer is about flour."),),
)
PLAN = IdentityPlan(rank=4, alpha=8, rate=2e-3, batch=4, epochs=6, check_every=3, seed=1)
LONG = IdentityPlan(rank=4, alpha=8, rate=2e-3, batch=4, check_every=99)
SUBJECTS = ("rain", "bread", "trains", "paint", "maths", "tea")


def lessons(model: LlamaModel) -> list[Lesson]:
    found = []
    with LlamaReader(model, context=256, threads=1) as reader:
        for subject in SUBJECTS:
            user = Message("user", f"Tell me of {subject}.")
            told, plain = (tuple(model.prompt(m)) for m in ([preprompt(MANIFESTO), user], [user]))
            answer = tuple(model.tokenise(f"As a miller, I think of {subject} as of flour, and of flour.", False))
            found.append(Lesson(told, plain, answer, *likely(reader.log_probabilities((*told, *answer), len(told)))))
    return found


@pytest.fixture(scope="module")
def some(model: LlamaModel) -> list[Lesson]:
    return lessons(model)


@pytest.fixture(scope="module")
def checks() -> list[IdentityCheck]:
    return []


@pytest.fixture(scope="module")
def out(some: list[Lesson], checks: list[IdentityCheck], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identity")
    train_identity(
        some[:4], some[4:], WEIGHTS, folder / "mill.gguf", PLAN, Made.of("lora", MANIFESTO),
        peft=folder / "peft", threads=1, state=folder / "state.pt", checked=checks.append,
    )  # fmt: skip
    return folder / "mill.gguf"


def by_llama(model: LlamaModel, some: Sequence[Lesson], *adapters: Adapter) -> npt.NDArray[np.float32]:
    with LlamaReader(model, context=256, threads=1) as reader:
        reader.wear(*adapters)
        return np.concatenate([reader.log_probabilities((*x.prompt, *x.answer), len(x.prompt)) for x in some])


def by_torch(trained: torch.nn.Module, some: Sequence[Lesson]) -> npt.NDArray[np.float32]:
    found = []
    for lesson in some:
        with torch.no_grad():
            scores = trained(torch.tensor([[*lesson.prompt, *lesson.answer]])).logits[0].float()
        found.append(torch.log_softmax(scores, -1)[len(lesson.prompt) - 1 : -1].numpy())
    return np.concatenate(found)


def apart(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float((np.exp(one) * (one - other)).sum(1).mean())


def test_it_takes_up_what_it_is_no_longer_told(out: Path, checks: list[IdentityCheck]) -> None:
    """On prompts that it was not trained on; the first check is of the model as it is, and the file keeps the curve."""
    assert [check.step for check in checks] == [0, 3, 6]
    assert checks[0].recovered == 0
    assert checks[-1].recovered > 0.3
    assert json.loads(read_metadata(out, CURVE)) == [asdict(check) for check in checks[1:]]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft asks by a name of yesterday
def test_llama_cpp_computes_with_it_what_torch_does(out: Path, model: LlamaModel, some: list[Lesson]) -> None:
    """No further from torch, on the same weights made exact, than it is without an adapter; and PEFT reads its own."""
    from peft import PeftModel

    base = loaded(WEIGHTS, torch.float32)
    plain = by_torch(base, some)
    worn = by_torch(PeftModel.from_pretrained(base, str(out.parent / "peft")), some)
    without, with_it = by_llama(model, some), by_llama(model, some, Adapter(out))
    assert apart(worn, plain) > 0.2
    assert apart(worn, with_it) <= 2 * apart(plain, without)


def test_it_is_an_identity(out: Path, model: LlamaModel) -> None:
    """Of the manifesto's words and of these weights; when the words change, it is stale."""
    engine = Engine(model, context=256, threads=1)
    made = made_of_adapter(out, engine)
    engine.close()
    assert made == Made.of("lora", MANIFESTO)
    assert not made.stale(MANIFESTO)
    reworded = MANIFESTO.model_copy(update={"beliefs": "Answers are of rye."})
    assert made.stale(reworded)
    flags = {"generator": {"context": 256}, "identity": {"use": [str(out)]}, "optimise": False, "threads": 1}
    parts = Parts(load_settings(flags=flags), strict=True)
    parts.generator(MANIFESTO)
    parts.close()


def test_a_run_that_was_stopped_goes_on(some: list[Lesson], tmp_path: Path) -> None:
    """At its last check, as if it had not been: what the steps before have come to counts in those after it."""
    plan = IdentityPlan(rank=2, alpha=2, batch=2, epochs=1, check_every=1)
    made, out, state = Made.of("lora", MANIFESTO), tmp_path / "mill.gguf", tmp_path / "state.pt"

    def stop(step: int, _: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_identity(some[:5], some[5:], WEIGHTS, out, plan, made, threads=1, state=state, stepped=stop)
    assert not out.exists()
    steps: list[int] = []
    checks = train_identity(
        some[:5], some[5:], WEIGHTS, out, plan, made, threads=1, state=state, stepped=lambda step, _: steps.append(step)
    )
    assert steps == [2, 3]
    assert [check.step for check in checks] == [0, 1, 2, 3]
    never, state = tmp_path / "never.gguf", tmp_path / "never.pt"
    unstopped = train_identity(some[:5], some[5:], WEIGHTS, never, plan, made, threads=1, state=state)
    assert checks[1:] == unstopped[1:]
    assert out.read_bytes() == never.read_bytes()


def test_what_was_saved_of_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    """Other lessons, weights or plans have another key."""
    Saved(tmp_path / "state.pt", "one").write({"at": 3})
    assert Saved(tmp_path / "state.pt", "one").read() == {"at": 3, "key": "one"}
    assert Saved(tmp_path / "state.pt", "other").read() is None


def test_lessons_plan_and_weights_make_the_key(some: list[Lesson]) -> None:
    """So does what of them is held out."""
    other = IdentityPlan(rank=PLAN.rank + 1)
    keys = {
        _key(some[:4], some[4:], WEIGHTS, PLAN),
        _key(some[:3], some[3:], WEIGHTS, PLAN),
        _key(some[:4], some[4:], WEIGHTS, other),
        _key([replace(some[0], accepted=True), *some[1:4]], some[4:], WEIGHTS, PLAN),
        _key([replace(some[0], struck=True), *some[1:4]], some[4:], WEIGHTS, PLAN),
    }
    assert len(keys) == 5


@pytest.fixture(scope="module")
def begun() -> tuple[Distiller, dict[str, Any]]:
    """A model that has learnt nothing yet, and all that it takes to have it so again."""
    distiller = Distiller(WEIGHTS, LONG)
    return distiller, distiller.state()


@pytest.fixture
def trainer(begun: tuple[Distiller, dict[str, Any]]) -> Distiller:
    distiller, state = begun
    distiller.restore(state)
    distiller.plan = LONG
    return distiller


def test_accepted_words_are_learnt_beyond_what_being_told_brings(trainer: Distiller, some: list[Lesson]) -> None:
    """The same lessons, accepted, make their own words more probable."""
    trainer.plan = replace(trainer.plan, accepted=0.9)
    begun = trainer.state()
    surprise = []
    for accepted in (False, True):
        trainer.restore(begun)
        list(trainer.train([replace(lesson, accepted=accepted) for lesson in some[:4]], 4, lambda _: True))
        surprise.append(trainer.surprise(some[:4]))
    assert surprise[1] < surprise[0] - 0.1


def last_word(lesson: Lesson) -> Lesson:
    """The last token of an answer, to what is before it."""
    prompt = (*lesson.prompt, *lesson.answer[:-1])
    return replace(lesson, prompt=prompt, answer=lesson.answer[-1:], likely=lesson.likely[-1:], logs=lesson.logs[-1:])


def test_what_was_struck_is_unlearnt_and_nothing_else(trainer: Distiller, some: list[Lesson]) -> None:
    """The token that a breach began with gets improbable; what stands before it is learnt as if nothing were struck."""
    begun = trainer.state()
    last, before = [], []
    for struck in (False, True):
        trainer.restore(begun)
        learnt = as_released([replace(lesson, struck=struck) for lesson in some[:4]])
        list(trainer.train(learnt, 8, lambda _: True))
        last.append(trainer.surprise([last_word(lesson) for lesson in some[:4]]))
        before.append(trainer.divergence([replace(lesson, struck=True).unbroken() for lesson in some[:4]]))
    assert last[1] > last[0] + 1
    assert before[1] < before[0] + 0.1


def test_a_struck_place_counts_for_as_many_as_the_plan_says(trainer: Distiller, some: list[Lesson]) -> None:
    """Of the loss, which is by the place of a usual batch."""
    learnt = as_released([replace(lesson, struck=True) for lesson in some[:4]])
    usual = sum(len(lesson.answer) for lesson in learnt) / 4
    struck = trainer.divergence([last_word(lesson) for lesson in learnt])
    begun = trainer.state()
    losses = []
    for count in (1.0, 3.0, 8.0):
        trainer.restore(begun)
        trainer.plan = replace(trainer.plan, struck=count)
        losses.append(next(trainer.train(learnt, 1, lambda _: True)))
    assert losses[1] - losses[0] == pytest.approx(2 * struck / usual, rel=0.05)
    assert losses[2] - losses[0] == pytest.approx(7 * struck / usual, rel=0.05)


def test_it_is_trained_on_what_was_released(
    some: list[Lesson], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And checked with what the told model says."""
    taught: list[Sequence[Lesson]] = []

    def noted(_: Distiller, lessons: Sequence[Lesson], *__: object) -> Iterator[float]:
        taught.append(lessons)
        return iter(())

    monkeypatch.setattr(Distiller, "train", noted)
    broken = [replace(lesson, struck=True) for lesson in some[:4]]
    made, state = Made.of("lora", MANIFESTO), tmp_path / "state.pt"
    train_identity(broken, some[4:], WEIGHTS, tmp_path / "a.gguf", PLAN, made, threads=1, state=state)
    for lesson, expected, told in zip(taught[0], as_released(broken), broken, strict=True):
        assert np.array_equal(lesson.logs, expected.logs)
        assert not np.array_equal(lesson.logs, told.logs)


def test_the_divergence_is_what_it_is_of_the_whole_where_all_is_kept() -> None:
    """And where tokens are taken as one, it is less, but not below nothing."""
    draw = np.random.default_rng(1)
    told, other = (torch.tensor(np.log(draw.dirichlet(np.ones(100), 4))) for _ in range(2))
    whole = (told.exp() * (told - other)).sum(1)
    assert torch.allclose(divergence(told, other), whole, atol=1e-4)
    part = divergence(told[:, :20], other[:, :20])
    assert bool((part < whole).all())
    assert bool((part > 0).all())

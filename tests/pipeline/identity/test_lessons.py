"""What a trained identity is made from: prompts, the loop's answers, and what the told model makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from critics import Length, Manifesto, Message, Patterns, Rule
from critics.manifesto.schema import Action
from pipeline import Pipeline, ScriptedGenerator
from pipeline.assembly import Parts
from pipeline.errors import BadInput
from pipeline.identity import Worn, preprompt
from pipeline.identity.lessons import HELD, Course, Gathered, gathered, held_out, invented
from pipeline.identity.lessons.answers import asked
from pipeline.identity.lessons.kept import read_lessons, write_lessons
from pipeline.identity.lessons.lesson import LIKELY, Lesson, likely
from pipeline.identity.lessons.released import as_released
from pipeline.identity.steer.probes import build_prompts, held_out_prompts
from pipeline.llama import Engine, Generation, LlamaModel, LlamaReader
from pipeline.near_duplicates import near_duplicates
from pipeline.settings import load_settings

MANIFESTO = Manifesto(
    name="mill",
    version="1",
    beliefs="Answers are of flour.",
    rules=(Rule(id="a", statement="It is short.", critics=("patterns",), patterns=Patterns(words=Length(at_most=3))),),
)
PROMPTS = ["What is bread?", "What is a mill?", "What is rye?"]


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=512, threads=1)
    yield engine
    engine.close()


def course(folder: Path, prompts: list[str], seed: int = 0, manifesto: Manifesto = MANIFESTO) -> Gathered:
    """In a deterministic run, so that it can be compared with another."""
    flags = {"generator": {"context": 512, "max_tokens": 8}, "threads": 1, "deterministic": True}
    parts = Parts(load_settings(flags=flags), judged=False)
    told = preprompt(manifesto)
    pipeline = parts.pipeline(manifesto, generator=parts.generator(manifesto, Worn(told)))
    folder.mkdir(exist_ok=True)
    found = gathered(pipeline, told, parts.drafting()[0].model, prompts, folder, Course(learnt=5, seed=seed), threads=1)
    parts.close()
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gathered, Path]:
    """The course of the first prompt, and the folder where it lies; nobody writes into it."""
    folder = tmp_path_factory.mktemp("course")
    return course(folder, PROMPTS[:1]), folder


def alike(one: Gathered, other: Gathered) -> bool:
    lessons = zip(one.lessons, other.lessons, strict=True)
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for a, b in lessons for f in fields(a))


def test_a_lesson_is_what_the_told_model_finds_probable(kept: tuple[Gathered, Path], model: LlamaModel) -> None:
    """In each place of its first draft, cut to what is learnt from; the other prompt says nothing of the manifesto."""
    lesson = kept[0].lessons[0]
    user = Message("user", PROMPTS[0])
    assert lesson.told == tuple(model.prompt([preprompt(MANIFESTO), user]))
    assert lesson.prompt == tuple(model.prompt([user]))
    assert len(lesson.answer) == 5
    with LlamaReader(model, context=256, threads=1) as reader:
        logs = reader.log_probabilities((*lesson.told, *lesson.answer), len(lesson.told))
    assert lesson.logs.shape == (5, LIKELY)
    assert np.allclose(lesson.logs, np.take_along_axis(logs, lesson.likely, axis=1), atol=0.05)
    assert np.all(lesson.logs.max(axis=1) == pytest.approx(logs.max(axis=1), abs=0.05))


def test_a_seed_gives_the_same_lessons_and_another_others(tmp_path: Path) -> None:
    """Where nothing depends on what else was computed at the time."""
    first, again, other = (
        course(tmp_path / name, PROMPTS[:2], seed) for name, seed in zip("abc", (1, 1, 2), strict=True)
    )
    assert alike(first, again)
    assert not alike(first, other)


def test_what_was_asked_is_not_asked_again(kept: tuple[Gathered, Path], tmp_path: Path) -> None:
    """A run that was stopped finds the prompts that it had finished; a damaged file is named."""
    first, folder = kept
    shutil.copytree(folder, tmp_path / "a")
    told = preprompt(MANIFESTO)
    silent = Pipeline(MANIFESTO, Parts(load_settings()).critic(MANIFESTO), ScriptedGenerator([]))
    assert alike(gathered(silent, told, None, PROMPTS[:1], tmp_path / "a"), first)  # type: ignore[arg-type]  # not used
    file = next((tmp_path / "a").glob("*.npz"))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(BadInput, match="is damaged: begin anew with --restart"):
        gathered(silent, told, None, PROMPTS[:1], tmp_path / "a")  # type: ignore[arg-type]  # not used


def _encrypted(whole: bytes) -> bytes:
    """As the flag of its first member says."""
    return whole.replace(b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00", b"PK\x01\x02\x2d\x03\x2d\x00\x01\x00")


def _of_tomorrow(whole: bytes) -> bytes:
    return whole.replace(b"PK\x01\x02\x2d\x03\x2d", b"PK\x01\x02\x2d\x03\xff")


@pytest.mark.parametrize(
    "damaged",
    [
        lambda _: b"",
        lambda _: b"\0" * 300,
        lambda whole: whole[:200],
        lambda whole: whole[200:],
        _encrypted,
        _of_tomorrow,
    ],
    ids=["empty", "blank", "beginning", "end", "encrypted", "of tomorrow"],
)
def test_lessons_that_are_damaged_have_a_cure(damaged: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """However they came to be so."""
    write_lessons(tmp_path / "a.npz", Gathered((), 3, 0, 0))
    whole = (tmp_path / "a.npz").read_bytes()
    assert damaged(whole) != whole
    (tmp_path / "a.npz").write_bytes(damaged(whole))
    with pytest.raises(BadInput, match=r"a.npz is damaged: begin anew with --restart"):
        read_lessons(tmp_path / "a.npz")


def test_an_array_that_is_no_lessons_has_a_cure_too(tmp_path: Path) -> None:
    """numpy reads it without a complaint."""
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(BadInput, match=r"a.npz is damaged: begin anew with --restart"):
        read_lessons(tmp_path / "a.npz")


def test_the_accepted_answer_is_learnt_beside_the_draft(model: LlamaModel) -> None:
    """The first draft is too long, the second is not; one that passes at once is there once."""
    critic = Parts(load_settings()).critic(MANIFESTO)
    found = asked(Pipeline(MANIFESTO, critic, ScriptedGenerator(["One two three four.", "One."])), model, ["?"], seed=1)
    spelled = [(b"".join(map(model.piece, answer.tokens)), answer.accepted) for answer in found.answers]
    assert spelled == [(b"One two three four.", False), (b"One.", True)]
    assert model.ends(found.answers[1].tokens[-1])
    assert (found.asked, found.passed, found.mended) == (1, 0, 1)
    once = asked(Pipeline(MANIFESTO, critic, ScriptedGenerator(["One."])), model, ["?"], seed=1)
    assert [answer.accepted for answer in once.answers] == [False]
    assert (once.passed, once.mended) == (1, 0)


def forbidding(rule: str, pattern: str, action: Action = "revise") -> Rule:
    return Rule(
        id=rule, statement="It is calm.", critics=("patterns",), patterns=Patterns(forbid=(pattern,)), action=action
    )


BRIEF = Rule(id="d", statement="It is short.", critics=("patterns",), patterns=Patterns(words=Length(at_most=5)))


@pytest.mark.parametrize(
    ("draft", "begins"),
    [
        ("Thanks, [Name]! And thanks!", b" ["),
        ("Grüße aus Köln! Dear [Name].", b"!"),  # bytes are not letters, nor is where a breach begins always a token
        ("Ring 555, [Name].", None),  # was mended before it was judged
        ("Ring 555.", None),
        ("One two three four five six.", None),  # what is too long begins nowhere
        ("One two three four five six [Name].", b" ["),
        ("Dear all, thanks.", None),
    ],
)
def test_a_draft_is_struck_where_its_first_breach_begins(model: LlamaModel, draft: str, begins: bytes | None) -> None:
    rules = forbidding("a", r"\[\pL+\]"), forbidding("b", r"\pL!"), forbidding("c", r"\d+", "redact")
    manifesto = Manifesto(name="calm", version="1", rules=(*rules, BRIEF))
    critic = Parts(load_settings()).critic(manifesto)
    answer = asked(Pipeline(manifesto, critic, ScriptedGenerator([draft, "Well."])), model, ["?"], seed=1).answers[0]
    found = None if answer.breach is None else model.piece(answer.tokens[answer.breach])
    assert found == begins


def test_of_a_draft_that_broke_a_rule_what_follows_is_not_learnt(kept: tuple[Gathered, Path], tmp_path: Path) -> None:
    """That it did is still known when it has been in a file; to check with it, the place itself is left out as well."""
    manifesto = Manifesto(name="blank", version="1", rules=(forbidding("a", r"\s"),))
    (lesson,) = course(tmp_path / "a", PROMPTS[:1], manifesto=manifesto).lessons
    assert lesson.struck
    assert 1 < len(lesson.answer) < 5
    before = lesson.unbroken()
    assert (before.answer, before.struck) == (lesson.answer[:-1], False)
    assert len(before.logs) == len(before.likely) == len(before.answer)
    (whole,) = kept[0].lessons
    assert whole.unbroken() is whole


def taught(answer: tuple[int, ...], *, struck: bool, told: tuple[float, ...] = (0.6, 0.3, 0.05)) -> Lesson:
    """Tokens 1, 2 and 3 are likely, in each place alike."""
    likely = np.broadcast_to(np.array([1, 2, 3], np.int32), (len(answer), 3))
    logs = np.broadcast_to(np.log(np.array(told, np.float32)), (len(answer), 3))
    return Lesson((7,), (7,), answer, likely, logs, struck=struck)


def test_what_is_released_is_what_passes() -> None:
    """A token is the less probable the more often a breach began with it, and where one did, it is out of the question;
    what else there is shares its place."""
    clean, broken = as_released([taught((1, 2), struck=False), taught((1,), struck=True)])
    assert np.exp(broken.logs) == pytest.approx(np.array([[0, 0.75, 0.125]]), abs=1e-6)
    share = 1 - 1 / 3
    total = 0.6 * share + 0.4
    assert np.exp(clean.logs) == pytest.approx(np.array([[0.6 * share, 0.3, 0.05]] * 2) / total, abs=1e-6)
    assert np.array_equal(clean.likely, taught((1, 2), struck=False).likely)


def test_without_a_breach_all_stays_as_it_was() -> None:
    """But for rounding, and the little that is left to tokens which are not likely at all."""
    (same,) = as_released([taught((1, 2), struck=False)])
    assert np.allclose(same.logs, taught((1, 2), struck=False).logs, atol=1e-6)
    (whole,) = as_released([taught((1,), struck=False, told=(0.5, 0.3, 0.2))])
    assert np.allclose(np.exp(whole.logs), np.array([[0.5, 0.3, 0.2]]), atol=2e-3)


def test_the_likely_are_the_likeliest() -> None:
    """And a vocabulary that is smaller than their number is kept whole."""
    logs = np.log(np.random.default_rng(1).dirichlet(np.ones(200), 3)).astype(np.float32)
    places, values = likely(logs)
    assert np.array_equal(np.sort(values), np.sort(logs)[:, -LIKELY:])
    assert np.array_equal(np.take_along_axis(logs, places, axis=1), values)
    assert likely(logs[:, :10])[1].shape == (3, 10)


def test_no_lesson_is_a_file_as_well(tmp_path: Path) -> None:
    """Of prompts that nothing came of, how many there were is still known."""
    write_lessons(tmp_path / "a.npz", Gathered((), 3, 0, 0))
    assert read_lessons(tmp_path / "a.npz") == Gathered((), 3, 0, 0)


def test_inventions_are_new_and_of_a_line(own: Engine) -> None:
    """None is one that was given, or that identities are measured with, and a seed invents the same number anew."""
    found = invented(own, build_prompts(), 6, seed=3)
    assert len(found) == len(set(found)) == 6
    assert not {*found} & {*build_prompts(), *held_out_prompts()}
    assert all(len(prompt.split()) >= 3 and "\n" not in prompt for prompt in found)


class Parrot:
    """In the place of an engine: each invention is the last prompt that was shown, but for a word at its end."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.model = self

    def tokenise(self, text: str, _: bool) -> list[int]:
        self.shown += text.splitlines()
        return [1]

    def generate(self, _: Generation) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(text=f"{self.shown[-1].rstrip('.?')}, please?", finish="stop")


def test_inventions_are_not_made_of_what_is_held_out() -> None:
    """Nor are they nearly that, or nearly what identities are measured with."""
    learnt, held = held_out(build_prompts(), seed=0)
    parrot = Parrot()
    found = invented(cast(Engine, parrot), learnt, 20, seed=0, held=held)
    assert found
    assert not {*parrot.shown} & {*held}
    for apart in (held, held_out_prompts()):
        near = [prompt for prompt in apart if len(prompt.split()) > 8][:8]
        assert near
        assert invented(cast(Engine, Parrot()), near, 20, seed=0, held=held) == []
        assert near_duplicates([""] * 2, [near[0], f"{near[0].rstrip('.?')}, please?"]) == [0, 0]


LETTERS = [
    f"Write a short and friendly letter of apology to a {whom} because of {what} and offer something in return."
    for whom in ("customer", "neighbour", "colleague")
    for what in ("an invoice", "a parcel", "a refund", "a visit")
]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_nearly_the_same_is_not_both_learnt_and_held_out(seed: int) -> None:
    """Some of many, of several kinds, each of them whole; a seed gives the same ones."""
    given = [*LETTERS, *build_prompts()[:80]]
    learnt, held = held_out(given, seed=seed)
    assert sorted([*learnt, *held]) == sorted(given)
    assert len(held) == len(given) // 5 < HELD
    kind = dict(zip(given, near_duplicates([""] * len(given), given), strict=True))
    assert not {kind[prompt] for prompt in held} & {kind[prompt] for prompt in learnt}
    assert not {*held} & {*LETTERS}  # so many of one kind would be most of what is measured
    assert held_out(given, seed=seed) == (learnt, held)


@pytest.mark.parametrize("seed", range(4))
def test_where_kinds_are_few_the_smallest_is_held_out(seed: int) -> None:
    """Rather more than are wanted than one that is learnt from as well; where all are of one kind, none can be."""
    rhymes = [
        f"Write four lines of verse about the colour of the sea in {when}." for when in ("May", "June", "July", "fog")
    ]
    assert held_out([*LETTERS, *rhymes], seed=seed) == (LETTERS, rhymes)
    with pytest.raises(BadInput, match="12 prompts nearly repeat one another"):
        held_out(LETTERS, seed=seed)

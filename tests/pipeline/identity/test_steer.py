"""An adapter from a manifesto's words, on the embedded model: few prompts, so that it is quick; how good one of many is
stands in docs/identity.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from critics import Budget, Manifesto, Message, Rule, load
from pipeline.assembly import Parts, assemble, embedded
from pipeline.assembly.conditions import drafting
from pipeline.errors import BadInput, SettingsError
from pipeline.identity import preprompt
from pipeline.identity.gate import Gate, gated
from pipeline.identity.steer import Plan, Steer, build_steer, read_steer, refined, write_steer
from pipeline.identity.steer.build import HELD, _kept_apart
from pipeline.identity.steer.fit import Changes
from pipeline.identity.steer.forward import Stream
from pipeline.identity.steer.probes import Probe, build_prompts, held_out_prompts, probed
from pipeline.identity.steer.reading import Reading
from pipeline.identity.steer.told import MARKED, can_hold
from pipeline.llama import Adapter, Engine, LlamaModel, LlamaReader
from pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.usefixtures("parsed_once")
WEIGHTS = embedded.weights()
MANIFESTO = Manifesto(
    name="mill",
    version="1",
    beliefs="Answers are short.",
    rules=(Rule(id="a", statement="Every answer is about flour."),),
)
FEW = build_prompts()[:6]
PLAN = Plan(cells=0, rank=4, layers=frozenset({10, 11}))
HOLDING = Plan(cells=9, layers=frozenset({10}))


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=512, threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    """What was told while it was built."""
    return []


@pytest.fixture(scope="module")
def steer(own: Engine, steps: list[tuple[str, int, int]]) -> Steer:
    return build_steer(MANIFESTO, own, WEIGHTS, PLAN, prompts=FEW, stepped=lambda *step: steps.append(step))


@pytest.fixture(scope="module")
def file(steer: Steer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("steer") / "mill.gguf"
    write_steer(path, steer)
    return path


def test_no_prompt_is_both_built_from_and_measured_with() -> None:
    """Nor is any there twice."""
    every = [*build_prompts(), *held_out_prompts()]
    assert len(set(every)) == len(every)


def test_it_changes_the_layers_that_were_asked_for(steer: Steer) -> None:
    """And is of the rank that was asked for."""
    assert {number: len(patches["ffn_down"].a) for number, patches in steer.changes.items()} == {10: 4, 11: 4}


def test_layers_behind_the_last_that_changes_are_not_solved_for(
    steer: Steer, steps: list[tuple[str, int, int]]
) -> None:
    """Of thirty, twelve."""
    assert steps[-1][1:] == (12, 12)


def test_the_file_holds_it(file: Path, steer: Steer) -> None:
    """In half precision, with what it was made of."""
    kept = read_steer(file)
    assert kept.made == steer.made
    assert kept.made.manifesto_hash == MANIFESTO.hash
    for number, patches in steer.changes.items():
        patch, x = patches["ffn_down"], np.random.default_rng(number).normal(size=(5, 1536)).astype(np.float32)
        assert np.allclose(kept.changes[number]["ffn_down"](x), patch(x), atol=2e-2)


def test_llama_cpp_applies_what_was_computed(file: Path, model: LlamaModel) -> None:
    """Worn, it changes what is predicted; at scale nothing, it does not."""
    ids = model.prompt([Message("user", "What is flour?")])
    with LlamaReader(model, context=256, threads=1) as reader:
        plain = reader.log_probabilities(ids, 1)
        reader.wear(Adapter(file))
        worn = reader.log_probabilities(ids, 1)
        reader.wear(Adapter(file, 0.0))
        nothing = reader.log_probabilities(ids, 1)
    assert np.abs(worn - plain).max() > 0.01
    assert np.allclose(nothing, plain, atol=1e-4)


def test_one_more_rule_keeps_the_rank_and_is_on_record(steer: Steer, own: Engine) -> None:
    """Refined again and again, an adapter does not grow."""
    more = refined(steer, MANIFESTO, "Answer\n in French.", own, WEIGHTS, PLAN, prompts=FEW)
    assert more.made.also == ("Answer in French.",)
    assert [probe.plain for probe in more.held] == [tuple(own.model.prompt([Message("user", build_prompts()[-1])]))]
    assert {len(patches["ffn_down"].a) for patches in more.changes.values()} == {4}
    assert not np.allclose(more.changes[10]["ffn_down"].a, steer.changes[10]["ffn_down"].a)


def test_one_more_rule_changes_the_layers_that_were_changed(steer: Steer, own: Engine) -> None:
    """Unless others are asked for as well."""
    rule = "Answer in French."
    assert set(refined(steer, MANIFESTO, rule, own, WEIGHTS, prompts=FEW).changes) == {10, 11}
    more = refined(steer, MANIFESTO, rule, own, WEIGHTS, Plan(layers=frozenset({9})), prompts=FEW).changes
    assert set(more) == {9, 10, 11}
    assert np.array_equal(more[10]["ffn_down"].a, steer.changes[10]["ffn_down"].a)


@pytest.mark.parametrize("count", [4, 20, 47, 76, 144, None])
def test_one_more_rule_is_measured_on_what_no_adapter_was_built_from(count: int | None) -> None:
    """However many it was built from, and however often it was gone on from."""
    every = build_prompts()
    split = _kept_apart(every[:count] if count else None)
    built = {prompt for many in (4, 76, 144) for prompt in every[: many - min(HELD, many // 4)]}
    added = {prompt for many in (4, 45, 144) for prompt in _kept_apart(every[:many]).learnt}
    assert split.held
    assert not {*split.held} & (built | added | {*split.learnt, *_kept_apart(None).learnt})
    assert len(split.learnt) + len(split.held) == (count or 44)


def test_none_takes_the_place_of_a_held_out_prompt_without_an_answer(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be measured on what it was built from."""
    fitted: list[list[Probe]] = []

    def fit(_: object, probes: list[Probe], *__: object, **___: object) -> Changes:
        fitted.append(probes)
        return {}

    def answered(*given: Any, **more: Any) -> list[Probe]:
        return probed(*given, **more)[:silent]

    monkeypatch.setattr("pipeline.identity.steer.build.fit", fit)
    monkeypatch.setattr("pipeline.identity.steer.build.probed", answered)
    silent = -1
    made = build_steer(MANIFESTO, own, WEIGHTS, PLAN, prompts=build_prompts()[:8])
    assert len(made.held) == 1
    assert len(fitted[0]) == 6
    silent = -2
    with pytest.raises(BadInput, match="8 prompts gave 6 answers: give more of them"):
        build_steer(MANIFESTO, own, WEIGHTS, PLAN, prompts=build_prompts()[:8])


def test_the_templates_tokens_are_marked_and_hold_what_was_told(own: Engine, tmp_path: Path) -> None:
    """The embedded model's template puts a system message before every question. The layer that marks its tokens is
    changed beside the one that was asked for; so it is in the file, and when one more rule is to be heeded."""
    held = build_steer(MANIFESTO, own, WEIGHTS, HOLDING, prompts=FEW)
    matrices = {MARKED: {"ffn_gate", "ffn_up", "ffn_down"}, 10: {"attn_k", "attn_v"}}
    assert {number: set(patches) for number, patches in held.changes.items()} == matrices
    assert {len(patch.a) for patches in held.changes.values() for patch in patches.values()} == {9}
    write_steer(tmp_path / "held.gguf", held)
    kept = read_steer(tmp_path / "held.gguf")
    assert {number: set(patches) for number, patches in kept.changes.items()} == matrices
    more = refined(kept, MANIFESTO, "Answer in French.", own, WEIGHTS, prompts=FEW)
    assert (more.rank, more.made.also) == (held.rank, ("Answer in French.",))
    assert {number: set(patches) for number, patches in more.changes.items()} == matrices


@pytest.mark.parametrize(
    ("cells", "own", "told", "held"),
    [(4, 12, 30, True), (20, 12, 12, True), (4, 12, 3, False), (4, 1, 30, False), (0, 12, 30, False)],
)
def test_the_template_must_have_tokens_of_its_own_to_hold_it(cells: int, own: int, told: int, held: bool) -> None:
    """And at least as many must be told as are to hold it."""
    before = [range(1, 4), range(100, 100 + told), range(200, 200 + own), range(5, 8)]
    head, message, other, tail = ([*some] for some in before)
    probe = Probe((*head, *message, *tail, 9), (*head, *other, *tail, 9), (10,))
    told_, untold = (Reading(cast(Stream, SimpleNamespace(prefix=6 + count)), ()) for count in (told, own))
    assert can_hold(Plan(cells=cells), told_, untold, probe, None) is held
    assert not can_hold(Plan(cells=cells), told_, untold, probe, {1: {}})


def test_it_does_most_of_what_the_words_do(own: Engine, tmp_path: Path) -> None:
    """With a third of the prompts, on others, and a neutral text is left nearly as it was."""
    manifesto = load("house-style")
    made = build_steer(manifesto, own, WEIGHTS, prompts=build_prompts()[:24])
    write_steer(tmp_path / "house.gguf", made)
    gate = gated(tmp_path / "house.gguf", preprompt(manifesto), made.held, WEIGHTS, threads=1)
    assert made.rank == 4
    assert gate.recovered > 0.4
    assert gate.faults == ()


def test_an_adapter_of_other_words_is_not_refined(steer: Steer, own: Engine) -> None:
    """What it holds is no longer said."""
    other = MANIFESTO.model_copy(update={"beliefs": "Answers are long."})
    with pytest.raises(BadInput, match="build it anew"):
        refined(steer, other, "Answer in French.", own, WEIGHTS, PLAN, prompts=FEW)


def test_a_layer_that_is_not_there_is_refused(own: Engine) -> None:
    """Before anything is answered."""
    with pytest.raises(BadInput, match="has 30 layers, from 0 to 29"):
        build_steer(MANIFESTO, own, WEIGHTS, replace(PLAN, layers=frozenset({29, 30})), prompts=FEW)


def test_the_gate_says_what_is_wrong() -> None:
    """An adapter that leads away, or that spoils a neutral text, is not to be used."""
    good = Gate(plain=0.2, worn=0.1, perplexity=1.01)
    assert good.faults == ()
    assert good.recovered == 0.5
    (away,) = replace(good, worn=0.21).faults
    assert "away from the manifesto" in away
    (spoilt,) = replace(good, perplexity=1.22).faults
    assert "1.22 times as surprising" in spoilt


def settings(*use: str, **judge: object) -> Settings:
    small = {"context": 512, "max_tokens": 8, "temperature": 0}
    flags = {
        "generator": small,
        "judge": {"context": 512, **judge},
        "optimise": False,
        "threads": 1,
        "identity": {"use": use},
    }
    return load_settings(flags=flags)


def test_it_drafts_with_it_and_judges_without(steer: Steer, tmp_path: Path) -> None:
    """Critic and generator share one engine: the adapter goes with the request, and the judge's never bears it."""
    strong = {  # so that eight tokens show it
        number: {name: patch.scaled(40) for name, patch in patches.items()} for number, patches in steer.changes.items()
    }
    write_steer(tmp_path / "strong.gguf", replace(steer, changes=strong))
    rule = Rule(id="a", statement="Every answer is about flour.", critics=("judge",), on_undecided="release")
    manifesto = MANIFESTO.model_copy(update={"rules": (rule,), "budget": Budget(attempts=1)})
    verdicts, answers = [], []
    for use in ((), (str(tmp_path / "strong.gguf"),)):
        with assemble(manifesto, settings(*use)) as pipeline:
            answers.append(pipeline.ask("What is flour?", seed=1).attempts[0].draft)
            verdicts.append(pipeline.judge("What is flour?", "It is ground grain.").judgements)
    assert answers[0] != answers[1]
    assert [j.probability for j in verdicts[0]] == pytest.approx([j.probability for j in verdicts[1]], abs=1e-6)


def test_a_stale_adapter_is_named_as_such(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is used all the same, and said once."""
    reworded = MANIFESTO.model_copy(update={"beliefs": "Answers are long."})
    parts = Parts(settings(str(file)))
    with caplog.at_level("WARNING", "superego"):
        parts.generator(reworded)
        parts.generator(reworded)
    parts.close()
    assert caplog.text.count("is stale: mill tells a generator other words by now") == 1


def test_an_adapter_of_another_manifesto_is_refused(file: Path) -> None:
    """Where there is one manifesto; a server gives each its own, and the others none."""
    with pytest.raises(SettingsError, match="made of the manifesto mill, not house-style"):
        assemble(load("house-style"), settings(str(file)))
    parts = Parts(settings(str(file)))
    parts.generator(load("house-style"))
    parts.close()


def test_drafts_are_kept_by_the_adapters_that_are_worn(file: Path) -> None:
    """Settings may name an adapter that a manifesto does not wear: its drafts are other ones."""
    named = settings(str(file))
    bare, worn = drafting(named), drafting(named, (Adapter(file),))
    assert len({bare, worn, drafting(named, (Adapter(file, 0.5),))}) == 3


def test_a_judges_adapter_is_no_identity_nor_the_other_way_round(file: Path) -> None:
    """Neither does the other's work by mistake."""
    with pytest.raises(SettingsError, match="no identity"):
        assemble(MANIFESTO, settings(str(embedded.ADAPTER)))
    with pytest.raises(SettingsError, match="judges nothing"):
        Parts(settings(adapter=str(file))).judge_model()


def test_a_model_behind_a_server_takes_no_file(file: Path) -> None:
    """It can be told, not adapted."""
    far = settings(str(file)).model_copy(
        update={"generator": Settings().generator.model_copy(update={"model": "openai:x"})}
    )
    with pytest.raises(SettingsError, match="for a model in a GGUF file"):
        assemble(MANIFESTO, far)

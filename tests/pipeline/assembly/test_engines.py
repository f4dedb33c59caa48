"""Which engines there are, by the settings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critics import Manifesto, Rule
from pipeline import ModelMissing, ModelUnusable, load_settings
from pipeline.assembly import Parts, embedded
from pipeline.assembly.engines import Engines
from pipeline.llama import LlamaModel, Pace
from tests.pipeline.llama.engine.lora_file import write_lora
from tests.pipeline.llama.engine.odd_weights import write_weights

UNTRAINED = {"judge": {"adapter": "none", "context": 512}, "generator": {"context": 512}, "optimise": False}
JUDGED = Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A.", threshold=1 - 1e-9),))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are loaded."""
    files: list[Path] = []
    load = LlamaModel.__init__

    def loaded(self: LlamaModel, path: Path) -> None:
        files.append(path)
        load(self, path)

    monkeypatch.setattr(LlamaModel, "__init__", loaded)
    return files


def engines(**flags: Any) -> closing[Engines]:
    return closing(Engines(load_settings(flags=UNTRAINED | flags), judged=True))


def test_a_judge_with_a_conversation_of_its_own_has_cells_of_its_own(read: list[Path]) -> None:
    """Over one copy of the weights, and the two have little more cells than one engine for both."""
    with engines() as made:
        drafting, judging = made.of(embedded.weights()), made.judging(embedded.weights())
        assert drafting is made.of(embedded.weights())
        assert judging is made.judging(embedded.weights())
        assert drafting is not judging
        assert drafting.model is judging.model
        assert (drafting.context, drafting.cells, judging.context, judging.cells) == (512, 768, 512, 512)
    assert read == [embedded.weights()]


@pytest.mark.parametrize(
    ("optimise", "judged", "form"),
    [(True, True, "q8_0"), ("iq4_nl", True, "iq4_nl"), (False, True, None), ("iq4_nl", False, None)],
)
def test_the_embedded_model_is_in_the_form_that_the_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimise: object, judged: bool, form: str | None
) -> None:
    """Where it judges; elsewhere, and if they want none, as it is."""
    monkeypatch.setattr("pipeline.assembly.engines.faster_form", lambda path, *, kind: tmp_path / f"{kind}.gguf")
    for kind in ("q8_0", "iq4_nl"):
        (tmp_path / f"{kind}.gguf").symlink_to(embedded.weights())
    settings = load_settings(flags=UNTRAINED | {"optimise": optimise})
    with closing(Engines(settings, judged=judged)) as made:
        path = made.of(embedded.weights()).model.path
    assert path == (tmp_path / f"{form}.gguf" if form else embedded.weights())


def test_a_form_that_was_damaged_in_the_cache_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows a file that they have not made."""
    (tmp_path / "q8_0.gguf").write_bytes(embedded.weights().read_bytes()[:1_000_000])
    monkeypatch.setattr("pipeline.assembly.engines.faster_form", lambda path, *, kind: tmp_path / f"{kind}.gguf")
    with engines(optimise=True) as made, pytest.raises(ModelUnusable, match=r"q8_0\.gguf .*Delete it .* made anew"):
        made.of(embedded.weights())


@pytest.mark.parametrize(
    "flags",
    [
        {"judge": {"context": 512}},
        {
            "generator": {"model": "openai:any", "api_key": "k", "context": 512},
            "judge": {"model": "embedded", "adapter": "none", "context": 512},
        },
    ],
    ids=["with an adapter for all that is read", "drafts from elsewhere"],
)
def test_so_has_any_judge_that_reads_nothing_of_others(flags: dict[str, Any]) -> None:
    """One exchange at a time, so that a verdict depends on nobody else."""
    with engines(**flags) as made:
        judging = made.judging(embedded.weights())
        assert judging.fixed
        assert judging is not made.of(embedded.weights())
        assert not made.of(embedded.weights()).fixed
        assert made.of(embedded.weights()).cells == 768


@pytest.mark.parametrize(
    "flags",
    [{"judge": {"adapter": "none", "in_place": True, "context": 512}}, {"deterministic": True}],
    ids=["where the draft was written", "one at a time"],
)
def test_any_other_judge_shares_the_engine(flags: dict[str, Any]) -> None:
    """It reads where the draft lies already, or all wait for one another anyway."""
    with engines(**flags) as made:
        assert made.judging(embedded.weights()) is made.of(embedded.weights())
        assert made.of(embedded.weights()).cells == 2 * made.of(embedded.weights()).context


def test_so_does_one_with_an_adapter_for_the_question(tmp_path: Path) -> None:
    """What comes before the question is read without it, as the generator does."""
    adapter = tmp_path / "question.gguf"
    sides = {"a": (4, 576), "b": (576, 4)}
    tensors = {f"blk.0.attn_q.weight.lora_{side}": np.zeros(shape, np.float32) for side, shape in sides.items()}
    write_lora(adapter, tensors, alpha=4.0)
    with engines(judge={"adapter": str(adapter), "context": 512}) as made:
        assert made.judging(embedded.weights()) is made.of(embedded.weights())


@pytest.mark.parametrize(
    ("flags", "ahead"),
    [
        ({"threads": 2}, True),
        ({"threads": 1}, False),
        ({"threads": 8}, False),
        ({"threads": 8, "generator": {"model": "openai:any", "api_key": "k"}}, True),
        ({"threads": 2, "deterministic": True}, False),
    ],
    ids=["of two cores one", "there is none to spare", "one of many is too slow", "drafts from elsewhere", "in turn"],
)
def test_a_judge_reads_ahead_where_a_core_keeps_up_with_those_that_write(flags: dict[str, Any], ahead: bool) -> None:
    flags.setdefault("judge", {"model": "embedded", "adapter": "none"})
    with engines(**flags) as made:
        assert made.reads_ahead(embedded.weights()) is ahead


@pytest.mark.parametrize(("kind", "ahead"), [("lfm2", False), ("gemma3", True)])
def test_nobody_reads_ahead_for_who_reads_it_all_again(tmp_path: Path, kind: str, ahead: bool) -> None:
    """As a judge with a recurrent state does."""
    write_weights(tmp_path / "judge.gguf", kind)
    judge = {"model": str(tmp_path / "judge.gguf"), "context": 256}
    with engines(generator={"model": "openai:any", "api_key": "k"}, judge=judge) as made:
        assert made.reads_ahead(tmp_path / "judge.gguf") is ahead


@pytest.mark.parametrize("found", [Pace(flash=False, along=False), Pace(flash=False), Pace(along=False), Pace()])
def test_what_pays_on_the_machine_is_done(monkeypatch: pytest.MonkeyPatch, found: Pace) -> None:
    """A judge's engine has flash attention in any case: it reads, and is the same to the last bit that way."""
    asked: list[tuple[Path, int]] = []

    def pace(model: LlamaModel, threads: int) -> Pace:
        asked.append((model.path, threads))
        return found

    monkeypatch.setattr("pipeline.assembly.engines.pace", pace)
    monkeypatch.setattr("pipeline.assembly.engines.faster_form", lambda path, *, kind: path)
    with engines(optimise=True, threads=2) as made:
        path = embedded.weights()
        assert made.reads_ahead(path) is found.along
        assert ("flash" in made.of(path).layout) is found.flash
        assert "flash" in made.judging(path).layout
    assert asked == [(path, 2)]


@pytest.mark.parametrize("flags", [{"optimise": False}, {"deterministic": True}])
def test_nothing_is_measured_where_it_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any]
) -> None:
    """Or nobody wants it."""
    monkeypatch.setattr("pipeline.assembly.engines.pace", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr("pipeline.assembly.engines.faster_form", lambda path, *, kind: path)
    with engines(**{"optimise": True, "threads": 2} | flags) as made:
        assert "flash" in made.of(embedded.weights()).layout
        made.reads_ahead(embedded.weights())


def test_many_cells_have_flash_attention_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it llama.cpp keeps a score for each of them, by row and head."""
    monkeypatch.setattr("pipeline.llama.engine.engine._PLAIN_CELLS", 767)
    monkeypatch.setattr("pipeline.assembly.engines.pace", lambda *_: Pace(flash=False))
    monkeypatch.setattr("pipeline.assembly.engines.faster_form", lambda path, *, kind: path)
    with engines(optimise=True) as made:
        assert made.of(embedded.weights()).cells == 768
        assert "flash" in made.of(embedded.weights()).layout


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Path]:
    """Weights for each role, trained with 2,048 tokens."""
    files = {role: tmp_path / f"{role}.gguf" for role in ("generator", "judge", "guard")}
    for file in files.values():
        write_weights(file, "gemma3")
    return files


CONTEXTS = {"generator": 320, "judge": 256, "guard": 192}


def contexts(files: dict[str, Path], **models: str) -> dict[str, int]:
    """Of the engines over the files, where each role has a context of its own."""
    flags = {role: {"model": str(files[role]), "context": context} for role, context in CONTEXTS.items()}
    for role, name in models.items():
        flags[role] |= {"model": name, "api_key": "k"}
    with engines(**flags) as made:
        used = [role for role in files if flags[role]["model"] == str(files[role])]
        return {role: (made.judging if role == "judge" else made.of)(files[role]).context for role in used}


@pytest.mark.parametrize("served", ["", "generator", "judge", "guard"])
def test_a_context_is_for_the_weights_of_its_role(tiny: dict[str, Path], served: str) -> None:
    """Whoever else is in this process or behind a server."""
    models = {served: "openai:any"} if served else {}
    assert contexts(tiny, **models) == {role: context for role, context in CONTEXTS.items() if role != served}


def test_the_longest_context_is_that_of_shared_weights(tiny: dict[str, Path]) -> None:
    """Whoever has them twice."""
    assert contexts(tiny, judge=str(tiny["guard"]))["guard"] == CONTEXTS["judge"]
    assert contexts(tiny, guard=str(tiny["generator"]))["generator"] == CONTEXTS["generator"]


@pytest.mark.parametrize(("wanted", "given"), [(4096, 2048), (2048, 2048), (512, 512), (0, 2048)])
def test_no_context_is_longer_than_the_weights_were_trained_with(
    tiny: dict[str, Path], caplog: pytest.LogCaptureFixture, wanted: int, given: int
) -> None:
    """Further on a model reads noise. Whoever set one is told so once, and the judge windows by what it has."""
    with engines(generator={"model": str(tiny["generator"]), "context": wanted}, judge={"context": wanted}) as made:
        drafting, judging = made.of(tiny["generator"]), made.judging(tiny["generator"])
        assert (drafting.context, drafting.cells, judging.context) == (given, given + given // 2, given)
    told = [record.message.partition(" and ")[0] for record in caplog.records]
    assert told == (["`generator.context` is 4096,", "`judge.context` is 4096,"] if wanted > given else [])


def test_a_context_that_nobody_set_is_shortened_in_silence(
    tiny: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """By itself it is 4,096."""
    settings = load_settings(flags={"generator": {"model": str(tiny["generator"])}})
    with closing(Engines(settings, judged=False)) as made:
        assert made.of(tiny["generator"]).context == 2048
    assert not caplog.records


def test_an_adapter_that_is_not_there_is_the_judges_fault(tmp_path: Path) -> None:
    """And not that of who drafts with the same weights, and may not be judged at all."""
    with engines(judge={"adapter": str(tmp_path / "missing.gguf"), "context": 512}) as made:
        assert made.of(embedded.weights()).cells == 1024


def test_the_embedded_model_need_not_be_there_where_nobody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator is left as it is by default, and somebody else drafts."""
    file = embedded.weights()

    def missing() -> Path:
        raise ModelMissing("not installed")

    monkeypatch.setattr(embedded, "weights", missing)
    with engines(judge={"model": str(file), "adapter": "none", "context": 512}) as made:
        assert made.judging(file).fixed


def test_drafts_are_not_in_the_judges_cells_and_both_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what is judged is read among the drafts."""
    parts = Parts(load_settings(flags=UNTRAINED | {"generator": {"context": 512, "max_tokens": 8}}))
    outcome = parts.pipeline(JUDGED).ask("Say hello.", seed=1)
    drafting, judging = parts._engines.of(embedded.weights()), parts._engines.judging(embedded.weights())
    assert outcome.status == "released"
    assert drafting.counts.written > 0 == judging.counts.written
    assert judging.counts.read > drafting.counts.read > 0
    parts.close()
    for engine in (drafting, judging):
        assert engine._mailbox.closed

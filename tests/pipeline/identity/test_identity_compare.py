"""The forms measured beside one another, on the embedded model."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from critics import Length, Manifesto, Message, Patterns, Rule
from pipeline import Pipeline, ScriptedGenerator
from pipeline.assembly import Parts
from pipeline.assembly.embedded import ADAPTER, weights
from pipeline.cli.identity.compare import Built, _trained, compared, measured_with, table, wearing
from pipeline.errors import BadInput, ModelFault, ModelUnusable
from pipeline.files.lora_file import write_lora
from pipeline.identity import build_state, preprompt
from pipeline.identity.compare import Form, drafts, effects
from pipeline.identity.questions import Question
from pipeline.identity.steer.probes import Probe, held_out_prompts, probed
from pipeline.llama import MADE_FOR, Adapter, Engine, LlamaModel, fingerprint
from pipeline.settings import load_settings
from tests.pipeline.cli.test_cli import run
from tests.pipeline.llama.renamed_file import write_renamed

MANIFESTO = Manifesto(
    name="mill",
    version="1",
    beliefs="Answer in as few words as can be. Speak of flour whenever you can.",
    rules=(Rule(id="a", statement="It is short.", critics=("patterns",), patterns=Patterns(words=Length(at_most=3))),),
)


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=512, threads=1)
    yield engine
    engine.close()


def test_the_scale_runs_from_the_untold_model_to_the_told_one(own: Engine) -> None:
    """None recovers nothing, the pre-prompt all; its state is the pre-prompt, to the noise of other kernels."""
    told = preprompt(MANIFESTO)
    probes = probed(own, told, held_out_prompts()[:3], seed=1, tokens=8)
    forms = [Form("none"), Form("preprompt", told), Form("state", told, state=build_state(MANIFESTO, own, weights()))]
    questions = [Question("What is bread made from?", ("Flour", "Stone"), 0)]
    found = effects(forms, told, probes, own.model, questions=questions, threads=1)
    assert found["none"].recovered == 0
    assert found["none"].divergence > 0.01
    assert found["preprompt"].recovered == pytest.approx(1, abs=1e-6)
    assert found["state"].recovered > 0.9
    assert [effect.context > 20 for effect in found.values()] == [False, True, True]
    assert all(effect.perplexity == pytest.approx(1, abs=1e-3) for effect in found.values())
    assert [effect.right for effect in found.values()] == [1, 1, 1]
    assert effects(forms[:1], told, probes, own.model, threads=1)["none"].right is None


def test_in_parts_it_measures_the_same(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the noise of what is read in another batch."""
    told = preprompt(MANIFESTO)
    probes = probed(own, told, held_out_prompts()[:2], seed=1, tokens=4)
    whole = effects([Form("none")], told, probes, own.model, threads=1)["none"]
    monkeypatch.setattr("pipeline.identity.compare.MOST", 1)
    parts = effects([Form("none")], told, probes, own.model, threads=1)["none"]
    assert parts.divergence == pytest.approx(whole.divergence, abs=0.005)
    assert parts.divergence > 0.05


def test_more_prompts_may_be_given_than_may_wait(model: LlamaModel) -> None:
    """In a file of one's own there may be any number."""
    steps: list[tuple[int, int]] = []
    with closing(Engine(model, context=256, threads=1, parallel=16, waiting=64)) as engine:
        prompts = [f"Number {number}" for number in range(100)]
        told = Message("system", "Be brief.")
        found = probed(engine, told, prompts, seed=1, tokens=1, stepped=lambda *step: steps.append(step))
    asked = [tuple(model.prompt([Message("user", prompt)])) for prompt in prompts]
    assert [plain for plain in asked if plain in {probe.plain for probe in found}] == [probe.plain for probe in found]
    assert steps == [(number, 100) for number in range(1, 101)]


class Known:
    """In the place of a reader, and of a model of a thousand tokens, `likely` 1 of them when it is told."""

    vocabulary_size, name = 1000, "known"

    def __init__(self, likely: float = 0.5) -> None:
        logs = np.log(np.full((1, 1000), (1 - likely) / 999, np.float32))
        logs[0, 1] = np.log(likely)
        self._told = logs
        self.read: list[str] = []

    def tokenise(self, *_: object) -> list[int]:
        return [1, 2]

    def prompt(self, messages: Sequence[object]) -> list[int]:
        return [1] * len(messages)

    def wear(self, *_: object) -> None:
        pass

    def surprise(self, _: object) -> float:
        self.read.append("the text")
        return 1.0

    def log_probabilities(self, ids: Sequence[int], start: int) -> npt.NDArray[np.float32]:
        self.read.append("an answer")
        plain = np.full((1, 1000), np.log(1 / 1000), np.float32)
        return np.repeat(self._told if ids[0] == 1 else plain, len(ids) - start, axis=0)

    def __enter__(self) -> Known:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def known(monkeypatch: pytest.MonkeyPatch, likely: float = 0.5) -> LlamaModel:
    model = Known(likely)
    monkeypatch.setattr("pipeline.identity.compare.LlamaReader", lambda *_, **__: model)
    return cast(LlamaModel, model)


def test_memory_does_not_grow_with_the_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the whole vocabulary gets at every token of all answers would be gigabytes."""
    model, told = known(monkeypatch), Message("system", "Be one.")
    monkeypatch.setattr("pipeline.identity.compare.MOST", 10 * 50 * 4000)
    most = []
    for count in (10, 100):
        probes = [Probe((1, 2), (3,), tuple(range(50)))] * count
        tracemalloc.start()
        found = effects([Form("preprompt", told), Form("none")], told, probes, model)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found["preprompt"].recovered == 1
        assert found["none"].divergence == pytest.approx(0.5 * np.log(500) + 0.5 * np.log(500 / 999), rel=1e-3)
    assert most[1] < 1.2 * most[0]


def test_what_forms_have_alike_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer by the told one, by none, and by the form that is told; the text by none of them but once."""
    model, told = known(monkeypatch), Message("system", "Be one.")
    found = effects([Form("none"), Form("preprompt", told), Form("again")], told, [Probe((1, 2), (3,), (4,))], model)
    assert sorted(cast(Known, model).read) == ["an answer"] * 3 + ["the text"]
    assert found["none"] == found["again"]


def test_where_being_told_changes_nothing_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be a share of nought."""
    told, probe = Message("system", "Be one."), Probe((1, 2), (3,), (4, 5))
    model = known(monkeypatch, likely=1 / 1000)
    with pytest.raises(ModelUnusable, match="known answers alike whether it is told the manifesto or not"):
        effects([Form("none")], told, [probe], model)
    with pytest.raises(ModelFault, match="answered no prompt"):
        effects([Form("none")], told, [], model)


DEAF = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for part in m.content if part.words %}{{ part.words }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""It looks for what no message has, so that even at the head of the user's turn nothing is read."""


def test_a_template_without_system_messages_is_named_at_the_start(tmp_path: Path) -> None:
    """Before a prompt is answered, whatever is to be built or measured."""
    file = tmp_path / "deaf.gguf"
    write_renamed(weights(), file, {"tokenizer.chat_template": DEAF, "general.name": "deaf"})
    commands = [["build", kind, "-o", str(tmp_path / "a.gguf")] for kind in ("state", "steer", "lora")]
    for command in [*commands, ["compare"]]:
        result = run("identity", *command, "-m", "house-style", "--generator", str(file))
        assert result.exit_code == 1
        assert "leaves system messages out" in result.stderr
        assert "take a model whose template has them" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["deaf.gguf"]


def test_forms_that_are_left_out_are_not_built(tmp_path: Path) -> None:
    """Solving a steer takes longest, which is nothing for who measures an adapter of theirs."""
    flags = {"generator": {"context": 512}, "optimise": False, "threads": 1}
    heard = list[str]()
    rows = compared(
        MANIFESTO, load_settings(flags=flags), tmp_path, ["What is flour?"],
        without=(Built.PREPROMPT, Built.STEER), lora=ADAPTER, asks=False, told=heard.append,
    )  # fmt: skip
    assert list(rows) == ["none", "state", "lora"]
    assert heard == ["reading the manifesto", "reading 1 answers in 3 ways"]


def test_adapters_are_measured_as_strongly_as_they_are_worn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At `identity.scale`, of which nothing is as good as no adapter."""
    monkeypatch.setattr("pipeline.identity.steer.build_steer", lambda *_, **__: None)
    monkeypatch.setattr("pipeline.identity.steer.write_steer", lambda path, _: path.write_bytes(ADAPTER.read_bytes()))
    recovered = []
    for scale in (0.0, 1.0):
        flags = {"generator": {"context": 512}, "optimise": False, "threads": 1, "identity": {"scale": scale}}
        rows = compared(
            MANIFESTO, load_settings(flags=flags), tmp_path, ["What is flour?"],
            without=(Built.PREPROMPT, Built.STATE), lora=ADAPTER, asks=False, told=lambda _: None,
        )  # fmt: skip
        recovered.append([rows["steer"]["recovered"], rows["lora"]["recovered"]])
    assert recovered[0] == pytest.approx([0, 0], abs=1e-6)
    assert all(abs(share) > 0.01 for share in recovered[1])


@pytest.mark.parametrize("made_for", ["others", "these", None])
def test_an_adapter_of_other_weights_is_refused(made_for: str | None, own: Engine, tmp_path: Path) -> None:
    """Weights of the same shape would take it, and its row be of noise. One that does not say is taken."""
    file = tmp_path / "a.gguf"
    pair = {"a": np.zeros((2, 1536), np.float32), "b": np.zeros((576, 2), np.float32)}
    tensors = {f"blk.0.ffn_down.weight.lora_{side}": values for side, values in pair.items()}
    metadata = {MADE_FOR: fingerprint(weights()) if made_for == "these" else made_for} if made_for else {}
    write_lora(file, tensors, alpha=2.0, name="a", metadata=metadata)
    if made_for == "others":
        with pytest.raises(BadInput, match="made for other weights"):
            _trained(own, weights(), file, 1.0, None)
    else:
        assert _trained(own, weights(), file, 1.0, None).adapters == (Adapter(file),)


def test_prompts_of_the_users_own_are_measured_with(tmp_path: Path) -> None:
    """All of them, or the first so many; without, the project's own that nothing is built from."""
    file = tmp_path / "mine.txt"
    file.write_text("".join(f"What is {number}?\n" for number in range(50)))
    assert len(measured_with(file, None)) == 50
    assert measured_with(file, 2) == ["What is 0?", "What is 1?"]
    assert measured_with(None, None) == held_out_prompts()[:24]


def test_drafts_are_counted_to_the_release() -> None:
    """The first draft is too long, the second is not: none passed at once, and an answer took two."""
    parts = Parts(load_settings())
    generator = ScriptedGenerator(["One two three four.", "One two."])
    pipeline = Pipeline(MANIFESTO, parts.critic(MANIFESTO), generator)
    found = drafts(pipeline, ["Say something."], seed=1)
    assert (found.passed, found.per_release, found.released, found.asked) == (0, 2, 1, 1)


def test_an_adapter_that_is_no_identity_is_taken_through_the_loop_as_well(tmp_path: Path) -> None:
    """One of somebody's own does not say of which manifesto it was made."""
    small = {"generator": {"context": 512, "max_tokens": 4}, "judge": {"context": 512}, "optimise": False, "threads": 1}
    form = Form("lora", adapters=(Adapter(ADAPTER),))
    with wearing(form, MANIFESTO, load_settings(flags=small), tmp_path) as pipeline:
        assert drafts(pipeline, ["What is flour?"], seed=1).asked == 1


def test_what_was_not_measured_is_left_empty() -> None:
    """A table with and without what the loop made of it. What was measured of no form has no column."""
    row = {"recovered": 0.5, "context": 0, "build_seconds": None, "load_seconds": 0.001, "perplexity": 1.0}
    asked = row | {"first_passed": 0.25, "drafts_per_release": 1.5, "build_seconds": 2.0}
    shown = table({"one": row, "two": asked})
    assert [list(column.cells) for column in shown.columns][2] == ["", "25%"]
    assert [list(column.cells) for column in shown.columns][6] == ["1.0", "1.0"]
    assert "right" not in [column.header for column in shown.columns]
    assert [column.header for column in table({"one": row}).columns][2] == "context"


def test_nearly_all_is_not_all() -> None:
    """199 of 200 first drafts are not each of them."""
    row = {"recovered": 0.5, "context": 0, "build_seconds": None, "load_seconds": None, "perplexity": 1.0}
    shown = table({"one": row | {"first_passed": 199 / 200, "right": 1.0}})
    cells = [next(iter(column.cells)) for column in shown.columns]
    assert (cells[2], cells[-1]) == ("99%", "100%")


def test_a_terminal_of_eighty_columns_cuts_no_word() -> None:
    """With all that can be measured of a form."""
    row = {
        "recovered": -0.25, "first_passed": 1.0, "drafts_per_release": 12.25, "context": 1234,
        "build_seconds": 1234.5, "load_seconds": 0.0123, "perplexity": 1.012, "right": 1.0,
    }  # fmt: skip
    told = StringIO()
    console = Console(width=80, file=told)
    console.print(table({"none": row, "preprompt": row}))
    assert "perplexity" in told.getvalue()
    assert "preprompt" in told.getvalue()
    assert "…" not in told.getvalue()

"""A pipeline that travels finds everything that it needs, and is told from no other."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import critics
from critics import Message
from pipeline import SettingsError, assemble, load_settings
from pipeline.assembly import embedded
from pipeline.assembly.facts import run_facts
from pipeline.assembly.parcel import packed
from pipeline.identity import PromptedGenerator, build_state, preprompt, write_state
from pipeline.llama import Engine, LlamaModel

CALM = """\
name: calm
version: "1"
rules:
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!!!"]}}
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_files_and_settings_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere there is neither the file that the settings name nor the variable that set one; yet the facts of the
    run are those of a local one, so that either may go on with what the other began."""
    probe = tmp_path / "own.safetensors"
    probe.write_bytes(embedded.PROBE.read_bytes())
    monkeypatch.setenv("SUPEREGO_GENERATOR__MAX_TOKENS", "7")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here/v1")
    settings = load_settings(flags={"probe": {"file": probe}, "guard": {"model": "openai:guard"}})
    manifesto = critics.load("house-style")
    with assemble(manifesto, settings) as here:
        facts = run_facts(here, settings)
    sent = pickle.dumps(packed(settings, manifesto, threads=1, cached=False))
    probe.unlink()
    monkeypatch.delenv("SUPEREGO_GENERATOR__MAX_TOKENS")
    monkeypatch.delenv("OPENAI_BASE_URL")
    parcel = pickle.loads(sent)
    made = parcel()
    assert made.facts == facts
    assert (parcel.there.threads, parcel.there.generator.max_tokens) == (1, 7)
    other = critics.load("equal-value").model_copy(update={"rules": manifesto.rules})
    assert made.pipeline(other).manifesto.name == "equal-value"
    assert made.pipeline(other) is made.pipeline(other)
    made.pipeline().close()


def test_an_identity_comes_along(tmp_path: Path, model: LlamaModel) -> None:
    """A state, which is what the generator is told, and is put back there."""
    (tmp_path / "calm.yaml").write_text(CALM)
    manifesto, file = critics.load(str(tmp_path / "calm.yaml")), tmp_path / "calm.state"
    engine = Engine(model, context=2048, threads=1)
    write_state(file, build_state(manifesto, engine, embedded.weights()))
    engine.close()
    settings = load_settings(flags={"identity": {"use": (str(file),)}, "generator": {"max_tokens": 2}})
    parcel = packed(settings, manifesto, threads=1, cached=False)
    file.unlink()
    made = parcel()
    assert isinstance(made.pipeline().generator, PromptedGenerator)
    counts = made._parts.drafting()[0].counts
    assert made.pipeline().ask("What is calm?", seed=1).status == "released"
    spent = made._parts.drafting()[0].counts
    prompts = [model.prompt([preprompt(manifesto), Message("user", text)]) for text in ("What is calm?", "Why?")]
    told = next(place for place, (one, other) in enumerate(zip(*prompts, strict=False)) if one != other)
    assert spent.reused - counts.reused == told
    assert spent.read - counts.read < told
    made.pipeline().close()


def test_a_relative_path_means_the_same_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever folder a worker is in."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(flags={"generator": {"model": "weights/x.gguf"}})
    assert packed(settings, critics.load("house-style")).there.generator.model == str(tmp_path / "weights/x.gguf")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is said before anything is sent, by the setting that names it."""
    settings = load_settings(flags={"probe": {"file": tmp_path / "none"}})
    with pytest.raises(SettingsError, match=r"`probe\.file`: .*none cannot be read: No such file"):
        packed(settings, critics.load("house-style"))

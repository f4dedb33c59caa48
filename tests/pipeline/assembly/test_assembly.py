from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import critics
from critics import ExtraMissing, Manifesto, ManifestoError, Rule
from pipeline import BadInput, ModelMissing, ScriptedGenerator, SettingsError, assemble, load, load_settings
from pipeline.assembly import Parts, embedded
from pipeline.assembly.cautions import judges_untrained, unfamiliar
from pipeline.assembly.conditions import conditions, drafting, judging
from pipeline.assembly.weights import judge_adapter
from pipeline.caching import Store
from pipeline.llama import Engine, fingerprint

JUDGED = Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A."),))


def test_conditions_change_with_a_setting_and_hide_secrets() -> None:
    """What an unfinished batch is compared by holds no key."""
    plain = conditions(load_settings())
    warmer = conditions(load_settings(flags={"generator": {"temperature": 1.5}}))
    keyed = conditions(load_settings(flags={"generator": {"api_key": "sk-secret"}}))
    assert plain == conditions(load_settings()) != warmer
    assert "sk-secret" not in keyed


def test_the_embedded_judge_is_known_for_what_it_is() -> None:
    """Trained as it is shipped; and chance only where a rule asks for a judge, and its adapter was taken away."""
    assert judge_adapter(load_settings()) == embedded.ADAPTER
    assert not judges_untrained(JUDGED, load_settings())
    assert judges_untrained(JUDGED, load_settings(flags={"judge": {"adapter": "none"}}))
    assert not judges_untrained(JUDGED, load_settings(flags={"judge": {"model": "openai:any"}}))
    assert not judges_untrained(critics.load("house-style"), load_settings())


def test_rules_that_the_embedded_judge_was_not_trained_for_are_known() -> None:
    """Nobody should take its word on a rule of their own without being told."""
    assert unfamiliar(JUDGED, load_settings()) == ["a"]
    assert unfamiliar(critics.load("helpful-harmless-honest"), load_settings()) == []
    assert unfamiliar(critics.load("equal-value"), load_settings())
    for judge in ({"model": "openai:any"}, {"adapter": "own.gguf"}, {"adapter": "none"}):
        assert unfamiliar(JUDGED, load_settings(flags={"judge": judge})) == []


def test_no_model_is_loaded_that_no_rule_asks_for() -> None:
    """Judging by patterns works where there is no model at all."""
    nowhere = load_settings(flags={"generator": {"model": "nowhere.gguf"}})
    ego = assemble(critics.load("house-style"), nowhere, drafts=False)
    assert ego.judge("Hi", "Certainly!").outcome == "revise"


def test_no_name_is_not_the_default() -> None:
    """As on the command line: a variable that is empty would mean a manifesto that nobody chose."""
    with pytest.raises(ManifestoError, match="no shipped manifesto is called ''"):
        load("", drafts=False)


def test_a_critic_without_its_package_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than to leave every answer undecided; a manifesto that does not name it is served all the same."""
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'superego\[personal-data\]'"):
        load("house-style", drafts=False)
    chemistry = critics.load("chemistry-lab")
    only = chemistry.model_copy(update={"rules": tuple(r for r in chemistry.rules if r.critics == ("patterns",))})
    assemble(only, load_settings(), drafts=False)


def test_a_critic_that_cannot_be_made_is_named() -> None:
    """With the exception that its module raised."""
    own = Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A.", critics=("no_such_module:make",)),))
    with pytest.raises(SettingsError, match=r"'no_such_module:make' cannot be made: ModuleNotFoundError.*PYTHONPATH"):
        assemble(own, load_settings(flags={"trusted": ["no_such_module:make"]}), drafts=False)
    with pytest.raises(SettingsError, match="is not trusted"):
        assemble(own, load_settings(), drafts=False)
    other = Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A.", critics=("json:make",)),))
    with pytest.raises(SettingsError, match=r"cannot be made: AttributeError: module 'json' has no attribute 'make'$"):
        assemble(other, load_settings(flags={"trusted": ["json:make"]}), drafts=False)


def test_an_adapter_needs_a_judge_in_a_file() -> None:
    """Another's would be left out silently, and its verdicts taken for the trained one's."""
    flags = {"judge": {"model": "openai:any", "adapter": "judge.gguf"}}
    with pytest.raises(SettingsError, match=r"judge\.adapter.*'openai:any'"):
        judge_adapter(load_settings(flags=flags))
    assert judge_adapter(load_settings(flags={"judge": {"adapter": "judge.gguf"}})) == Path("judge.gguf")


def test_a_trained_judge_is_not_announced_as_chance(tmp_path: Path) -> None:
    flags = {"judge": {"adapter": str(tmp_path / "judge.gguf")}}
    assert not judges_untrained(JUDGED, load_settings(flags=flags))


def test_a_run_is_another_with_another_adapter(tmp_path: Path) -> None:
    """Also where the file has the same name and other weights."""
    file = tmp_path / "judge.gguf"
    file.write_bytes(b"one")
    settings = load_settings(flags={"judge": {"adapter": str(file)}})
    before = conditions(settings)
    file.write_bytes(b"two")
    assert conditions(settings) != before


@pytest.mark.parametrize("megabytes", [3, 40])
def test_weights_that_were_edited_in_the_middle_are_others(tmp_path: Path, megabytes: int) -> None:
    """For a run that is gone on with and for kept verdicts, not for what was made for the weights before."""
    file = tmp_path / "judge.gguf"
    data = bytearray(random.Random(1).randbytes(megabytes << 20))
    file.write_bytes(data)
    settings = load_settings(flags={"judge": {"model": str(file)}, "generator": {"model": str(file)}})

    def told() -> tuple[str | None, ...]:
        return (
            conditions(settings),
            drafting(settings),
            *(judging(name, settings, JUDGED) for name in ("judge", "probe")),
        )

    before, tie = told(), fingerprint(file)
    middle = len(data) // 2
    data[middle - (1 << 19) : middle + (1 << 19)] = bytes(1 << 20)
    file.write_bytes(data)
    assert not set(before) & set(told())
    assert fingerprint(file) == tie


def test_what_cannot_be_found_and_is_not_used_is_no_fault() -> None:
    """An adapter of what takes none, in a setting that no rule asks for: nobody knows what it would depend on."""
    lost = load_settings(flags={"judge": {"model": "openai:any", "adapter": "a.gguf"}})
    one, other = (load("house-style", settings=lost, drafts=False) for _ in range(2))
    assert one.conditions != other.conditions


def test_pipelines_of_the_same_settings_have_the_same_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others with another setting, and where something is the user's own, of which nobody knows, each has its own."""
    plain = load_settings(flags={"generator": {"model": "nowhere.gguf"}})
    judged = load_settings(flags={"generator": {"model": "nowhere.gguf"}, "judge": {"model": "openai:any"}})
    given = load("house-style", settings=plain, drafts=False)
    assert given.conditions == load("house-style", settings=plain, drafts=False).conditions
    assert given.conditions != load("house-style", settings=judged, drafts=False).conditions
    assert given.conditions != replace(given, critic=given.critic).conditions
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # where `remote` asks, say
    assert given.conditions != load("house-style", settings=plain, drafts=False).conditions
    own = [load("house-style", settings=plain, generator=ScriptedGenerator(["Hello."])) for _ in range(2)]
    assert own[0].conditions != own[1].conditions
    rule = Rule(id="a", statement="A.", critics=("critics.patterns:PatternsCritic",))
    trusting = load_settings(flags={"trusted": rule.critics, "generator": {"model": "nowhere.gguf"}})
    theirs = [assemble(Manifesto(name="m", version="1", rules=(rule,)), trusting, drafts=False) for _ in range(2)]
    assert theirs[0].conditions != theirs[1].conditions


def test_a_generator_of_ones_own_drafts() -> None:
    """And the settings' model is not loaded, which is not even there; nor is it where nothing is drafted."""
    elsewhere = load_settings(flags={"generator": {"model": "nowhere.gguf"}})
    own = ScriptedGenerator(["Certainly! Here it is.", "Here it is."])
    assert load("house-style", settings=elsewhere, generator=own).ask("Where is it?").answer == "Here it is."
    judging = load("house-style", settings=elsewhere, drafts=False)
    assert judging.judge("Where is it?", "Certainly!").outcome == "revise"
    with pytest.raises(BadInput, match="only judges"):
        judging.ask("Where is it?")


def test_several_manifestos_share_their_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """One to draft and one to judge, and weights are loaded once."""
    made: list[Engine] = []

    def make(*arguments: Any, **options: Any) -> Engine:
        made.append(Engine(*arguments, **options))
        return made[-1]

    monkeypatch.setattr("pipeline.assembly.engines.Engine", make)
    parts = Parts(load_settings(flags={"generator": {"context": 512}, "judge": {"context": 512}, "optimise": False}))
    pipelines = [parts.pipeline(critics.load("house-style")), parts.pipeline(JUDGED), parts.pipeline(JUDGED)]
    assert [pipeline.manifesto.name for pipeline in pipelines] == ["house-style", "m", "m"]
    drafting, judging = made
    assert drafting.model is judging.model
    parts.close()


def test_a_cache_asks_for_no_model_that_nobody_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only servers are used, the embedded models need not be there."""

    def missing() -> Path:
        raise ModelMissing("not installed")

    monkeypatch.setattr(embedded, "weights", missing)
    flags = {"generator": {"model": "openai:any", "api_key": "k"}, "remote": {"api_key": "k"}}
    remote = Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A.", critics=("judge", "remote")),))
    with Store(tmp_path / "c") as store:
        assert Parts(load_settings(flags=flags), store=store).pipeline(remote).generator is not None


@pytest.mark.parametrize(
    "flags", [{"generator": {"timeout": 5}}, {"judge": {"tries": 9}}, {"remote": {"api_key": "k", "timeout": 2}}]
)
def test_how_long_a_server_is_waited_for_makes_no_other_run(flags: dict[str, Any]) -> None:
    """A run that stopped because it was out of reach can be gone on with more patiently."""
    assert conditions(load_settings(flags=flags)) == conditions(load_settings())


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE", "OLLAMA_HOST", "AZURE_OPENAI_ENDPOINT"])
def test_a_served_model_elsewhere_is_another(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Also where the environment alone says where; the address, which may hold a password, is not told."""
    served, local = load_settings(flags={"generator": {"model": "openai:any"}}), load_settings()
    before = conditions(served), drafting(served), conditions(local), drafting(local)
    monkeypatch.setenv(variable, "http://user:sk-secret@other/v1")
    after = conditions(served), drafting(served), conditions(local), drafting(local)
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True, True]
    assert "sk-secret" not in "".join(after)


@pytest.mark.parametrize("judge", [{}, {"model": ""}, {"model": "openai:b"}])
def test_a_judge_without_a_name_is_the_generators_at_its_server(
    judge: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its key, and never at its vendor's, where a conversation would go that is to stay in the house."""
    asked: list[tuple[str, object, object]] = []

    def noted(name: str, **told: object) -> object:
        asked.append((name, told["base_url"], told["api_key"]))
        return SimpleNamespace()

    monkeypatch.setattr("pipeline.assembly.assembly.load_chat_model", noted)
    monkeypatch.setattr("pipeline.assembly.assembly.ChatJudgeModel", lambda *_, **__: None)
    generator = {"model": "openai:a", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
    Parts(load_settings(flags={"generator": generator, "judge": judge})).judge_model()
    own = judge.get("model")
    assert asked == [(own, None, None) if own else tuple(generator.values())]


def test_a_run_is_another_with_another_template(tmp_path: Path) -> None:
    """Of the guard model: it is asked in other words."""
    file = tmp_path / "guard.jinja"
    file.write_text("one")
    settings = load_settings(flags={"guard": {"template": str(file)}})
    before = conditions(settings)
    file.write_text("two")
    assert conditions(settings) != before


@pytest.mark.parametrize(
    "flags",
    [
        {"generator": {"model": "openai:any"}},
        {"judge": {"model": "openai:any"}},
        {"embeddings": {"model": "openai:any"}},
    ],
)
def test_what_a_server_computes_is_no_deterministic_run(flags: dict[str, Any]) -> None:
    """It is refused rather than promised."""
    settings = load_settings(flags={**flags, "deterministic": True})
    with pytest.raises(SettingsError, match="nobody knows how 'openai:any' is computed"):
        assemble(
            Manifesto(name="m", version="1", rules=(Rule(id="a", statement="A.", critics=("semantic", "judge")),)),
            settings,
        )

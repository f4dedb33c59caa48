"""A verdict is found again where the model would be asked in the same words, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from critics import Exchange, GuardAnswer, Manifesto, Message, Rule, ScriptedGuardModel, ScriptedJudgeModel
from pipeline import load_settings
from pipeline.assembly import Parts
from pipeline.caching import Store

EXCHANGE = Exchange((Message("user", "Who rows?"),), "He does.")
CALM, KIND = {"id": "calm", "statement": "It is calm."}, {"id": "kind", "statement": "It is kind."}
ASKED = {"id": "asked", "statement": "It is short.", "applies_to": "input"}

Judging = Callable[..., list[str]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache.sqlite") as opened:
        yield opened


def manifesto(critic: str, *rules: dict[str, Any], beliefs: str = "") -> Manifesto:
    made = (Rule.model_validate({"statement": "S.", "critics": (critic,), **rule}, strict=False) for rule in rules)
    return Manifesto(name="m", version="1", beliefs=beliefs, rules=tuple(made))


@pytest.fixture
def judging(store: Store, monkeypatch: pytest.MonkeyPatch) -> Judging:
    """Judges by rules for output with the cache, and gives the statements that the judge's model was asked about."""

    def judged(flags: dict[str, Any], *rules: dict[str, Any], beliefs: str = "") -> list[str]:
        model = ScriptedJudgeModel(readings=[{"yes": 0.1, "no": 0.9}] * 9)
        monkeypatch.setattr(Parts, "judge_model", lambda _: model)
        own = manifesto("judge", *rules, beliefs=beliefs)
        panel = Parts(load_settings(flags=flags), store=store).critic(own)
        panel(EXCHANGE, own.rules_for("output"))
        return [prompt[-1].content for prompt in model.prompts]

    return judged


SERVED = {"generator": {"model": "openai:any", "api_key": "k"}}


def trained(folder: Path) -> dict[str, Any]:
    model, adapter = folder / "model.gguf", folder / "judge.gguf"
    model.write_bytes(b"weights")
    adapter.write_bytes(b"adapter")
    return {"judge": {"model": str(model), "adapter": str(adapter)}}


def test_a_judge_that_reads_all_rules_is_asked_anew_about_each(judging: Judging) -> None:
    """Where one of its list was edited, added or moved: another rule's statement stands in the prompt of each."""
    assert len(judging(SERVED, CALM, KIND)) == 2
    assert len(judging(SERVED, CALM, {**KIND, "statement": "It is very kind."})) == 2
    assert len(judging(SERVED, CALM)) == 1
    assert len(judging(SERVED, KIND, CALM)) == 2
    assert judging(SERVED, CALM, KIND) == []


def test_a_list_is_of_one_side(judging: Judging) -> None:
    """A rule for what was asked stands in no prompt about an answer, nor does one that another critic judges."""
    judging(SERVED, CALM, ASKED)
    assert judging(SERVED, CALM, {**ASKED, "statement": "It is long."}) == []
    assert judging(SERVED, CALM, {**KIND, "critics": ("patterns",)}) == []


def test_a_trained_judge_reads_the_one_rule(judging: Judging, tmp_path: Path) -> None:
    """So another rule, or what the manifesto believes, takes nothing from the cache; another judge reads both."""
    assert len(judging(trained(tmp_path), CALM)) == 1
    (added,) = judging(trained(tmp_path), CALM, KIND, beliefs="Be good.")
    assert KIND["statement"] in added
    assert len(judging(SERVED, CALM)) == len(judging(SERVED, CALM, beliefs="Be good.")) == 1


@pytest.mark.parametrize(
    ("family", "codes", "said", "anew"),
    [
        ("Llama-Guard-3-8B", ["S1"], "safe", 2),
        ("Qwen3Guard-4B", ["Violent"], "Safety: Safe\nCategories: None", 1),
        ("nemoguard", ["Violence"], '{"User Safety": "safe", "Response Safety": "safe"}', 1),
    ],
)
def test_codes_that_another_rule_is_about(
    store: Store, monkeypatch: pytest.MonkeyPatch, family: str, codes: list[str], said: str, anew: int
) -> None:
    """Llama Guard is told which ones not to look for; other families are not, and what they said is kept."""
    model = ScriptedGuardModel([GuardAnswer(said)] * 2)
    monkeypatch.setattr("pipeline.assembly.guards._served", lambda *_: model)
    settings = load_settings(flags={"guard": {"model": f"openai:{family}", "api_key": "k"}})
    some = {"id": "some", "guard": {"codes": codes}}
    for rules in ([some], [some, {"id": "any"}]):
        own = manifesto("guard", *rules)
        (finding,) = Parts(settings, store=store).critic(own)(EXCHANGE, own.rules[:1])
        assert finding.probability == 0.0
    assert len(model.prompts) == anew

"""Calibrations know whose word they correct."""

from __future__ import annotations

import pytest

from critics import Calibration, Manifesto, Rule
from pipeline import load_settings
from pipeline.assembly.fitted import fitted, strangers, unprobed

RULE = Rule(
    id="a",
    statement="A.",
    critics=("judge", "patterns"),
    calibration={"judge": Calibration(of="embedded", temperature=2), "patterns": Calibration(temperature=3)},
)
OURS = Manifesto(name="m", version="1", rules=(RULE,))


def test_they_stay_with_the_model_that_they_were_fitted_to() -> None:
    assert fitted(OURS, load_settings()) is OURS
    assert strangers(OURS, load_settings()) == []


@pytest.mark.parametrize("judge", [{"model": "openai:any"}, {"adapter": "own.gguf"}, {"adapter": "none"}])
def test_another_judge_is_taken_at_its_word(judge: dict[str, str]) -> None:
    """Its own adapter makes another judge of it, and so does none. What names no model stays."""
    settings = load_settings(flags={"judge": judge})
    assert list(fitted(OURS, settings).rules[0].calibration) == ["patterns"]
    assert strangers(OURS, settings) == [("judge", "embedded")]


@pytest.mark.parametrize(
    ("critic", "part"),
    [("semantic", "embeddings"), ("grounded", "embeddings"), ("remote", "remote"), ("guard", "guard")],
)
def test_so_is_every_other_critic_behind_which_another_model_stands(critic: str, part: str) -> None:
    rule = Rule(id="a", statement="A.", critics=(critic,), calibration={critic: Calibration(of="first", temperature=2)})
    ours = Manifesto(name="m", version="1", rules=(rule,))
    first, other = (load_settings(flags={part: {"model": model}}) for model in ("first", "second"))
    assert (fitted(ours, first), strangers(ours, first)) == (ours, [])
    assert fitted(ours, other).rules[0].calibration == {}
    assert strangers(ours, other) == [(critic, "first")]


def test_ones_own_probe_is_another_one() -> None:
    probed = RULE.model_copy(
        update={"critics": ("probe", "judge"), "calibration": {"probe": Calibration(of="embedded", temperature=2)}}
    )
    ours = Manifesto(name="m", version="1", rules=(probed,))
    own = load_settings(flags={"probe": {"file": "own.safetensors"}})
    assert fitted(ours, load_settings()) is ours
    assert fitted(ours, own).rules[0].calibration == {}
    assert strangers(ours, own) == [("probe", "embedded")]


def test_a_word_list_does_not_speak_for_a_probe() -> None:
    """A rule that has nothing else keeps it, and fails loudly."""
    ours = Manifesto(name="m", version="1", rules=(RULE.model_copy(update={"critics": ("patterns", "probe")}),))
    other = load_settings(flags={"judge": {"model": "openai:any"}})
    assert fitted(ours, other).rules[0].critics == ("patterns", "probe")
    assert not unprobed(ours, other)


def test_the_generators_model_is_the_judges() -> None:
    settings = load_settings(flags={"generator": {"model": "openai:any"}})
    assert strangers(OURS, settings) == [("judge", "embedded")]


def test_without_a_probe_rules_go_by_their_other_critics() -> None:
    """That of the embedded model says nothing of another; a rule that has nothing else keeps it, and fails loudly."""
    both = RULE.model_copy(update={"critics": ("probe", "judge"), "calibration": {"probe": Calibration(temperature=2)}})
    alone = RULE.model_copy(update={"id": "b", "critics": ("probe",), "calibration": {}})
    ours = Manifesto(name="m", version="1", rules=(both, alone))
    assert fitted(ours, load_settings()) is ours
    assert not unprobed(ours, load_settings())
    other = load_settings(flags={"judge": {"model": "openai:any"}})
    assert unprobed(ours, other)
    assert [rule.critics for rule in fitted(ours, other).rules] == [("judge",), ("probe",)]
    assert not fitted(ours, other).rules[0].calibration
    own = load_settings(flags={"judge": {"model": "own.gguf"}, "probe": {"file": "own.safetensors"}})
    assert fitted(ours, own).rules[0].critics == ("probe", "judge")


def test_what_has_judged_counts_and_not_what_is_set_now() -> None:
    """Rows may be another model's; and a probe that was asked was there."""
    both = RULE.model_copy(update={"critics": ("probe", "judge")})
    ours = Manifesto(name="m", version="1", rules=(both,))
    other = load_settings(flags={"judge": {"model": "openai:any"}})
    assert "judge" not in fitted(ours, load_settings(), {"judge": "another"}).rules[0].calibration
    kept = fitted(ours, other, {"judge": "embedded", "probe": "embedded"}).rules[0]
    assert (kept.critics, "judge" in kept.calibration) == (("probe", "judge"), True)

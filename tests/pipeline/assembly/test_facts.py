"""What may change while a run is gone on with, and what is named where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import critics
from critics import ScriptedCritic
from pipeline import Pipeline, ScriptedGenerator, load_settings
from pipeline.assembly.facts import run_facts
from pipeline.batch.keeping import changed

OWN = Pipeline(critics.load("house-style"), ScriptedCritic(lambda *_: 0.0), ScriptedGenerator(["fine"]))


def facts(**flags: Any) -> dict[str, Any]:
    return run_facts(OWN, load_settings(flags=flags))


@pytest.mark.parametrize(
    "flags",
    [
        {"threads": 3},
        {"parallel": 4},
        {"cache": {"megabytes": 5, "file": "elsewhere"}},
        {"server": {"log_content": True, "threads": 2}},
        {"trusted": ["my.module:critic"]},
        {"generator": {"timeout": 5, "tries": 9, "api_key": "sk-new"}},
        {"judge": {"tries": 9}},
    ],
    ids=lambda flags: next(iter(flags)),
)
def test_what_changes_no_answer_is_no_other_run(flags: dict[str, Any]) -> None:
    """How fast it goes, what is kept and logged, how long a server is waited for."""
    assert changed(facts(), facts(**flags)) == []


def test_a_run_that_must_repeat_has_its_threads() -> None:
    """They round otherwise."""
    assert changed(facts(deterministic=True, threads=2), facts(deterministic=True, threads=3)) == ["threads (2, now 3)"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"generator": {"max_tokens": 40, "temperature": 0}}, "generator.max_tokens (512, now 40), "
         "generator.temperature (0.7, now 0.0)"),
        ({"critic_seconds": 5}, "critic_seconds (60.0, now 5.0)"),
        ({"identity": {"use": ["preprompt"]}}, 'identity.use ([], now ["preprompt"])'),
        ({"guard": {"categories": {"S1": "mine"}}}, "guard.categories.S1 (not set, now mine)"),
        ({"judge": {"adapter": "none"}}, "judge.adapter (not set, now none), file of judge.adapter"),
        ({"embeddings": {"base_url": "http://me:pw@there/v1"}}, "embeddings.base_url (not set, now http://***@there/v1)"),
    ],
)  # fmt: skip
def test_what_changes_answers_is_named(flags: dict[str, Any], said: str) -> None:
    """With what it was and what it is, and no secret."""
    assert ", ".join(changed(facts(), facts(**flags))) == said


def test_another_file_of_the_same_name_is_told(tmp_path: Path) -> None:
    file = tmp_path / "judge.gguf"
    file.write_bytes(b"one")
    before = facts(judge={"adapter": str(file)})
    file.write_bytes(b"two")
    assert changed(before, facts(judge={"adapter": str(file)})) == ["file of judge.adapter"]


def test_another_manifesto_and_model_are_told() -> None:
    """By their names; one that was edited by its hash."""
    drafts = ScriptedGenerator(["fine"])
    drafts.name = "else"
    other = Pipeline(critics.load("equal-value"), OWN.critic, drafts)
    model, manifesto = sorted(changed(facts(), run_facts(other, load_settings())), reverse=True)
    assert model == "model (scripted, now else)"
    assert manifesto.startswith("manifesto (house-style 1 ")
    assert " now equal-value 1 " in manifesto

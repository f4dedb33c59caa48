"""Fifty prompts on real weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import critics
from critics import Critic, Exchange, Message, PatternsCritic, PersonalDataCritic
from pipeline import Pipeline, assemble, load_settings
from pipeline.batch import run_batch

SUBJECTS = ["rain", "bread", "a bridge", "the moon", "tea", "a bicycle", "snow", "honey", "a library", "the sea"]
FORMS = [
    "Tell me in one sentence what {} is.",
    "Say something cheerful about {}!",
    "Write a one-line advertisement for {}.",
    "Wish a friend well with {}.",
    "Write a short note that mentions {} and sign it.",
]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """`house-style` over the embedded model, with short drafts so that fifty prompts take a minute."""
    settings = load_settings(flags={"generator": {"max_tokens": 40}})
    return assemble(critics.load("house-style"), settings)


@pytest.mark.timeout(600)
def test_fifty_prompts_release_only_what_the_rules_accept(pipeline: Pipeline, tmp_path: Path) -> None:
    """No prompt is lost; every released answer passes its rules when it is checked anew, apart from the loop; the
    others are withheld with the refusal. Some drafts do fail, or the test would show nothing."""
    prompts = [
        {"id": f"{i}-{j}", "prompt": form.format(s)} for i, form in enumerate(FORMS) for j, s in enumerate(SUBJECTS)
    ]
    out = tmp_path / "out.jsonl"
    run_batch(pipeline, [json.dumps(prompt).encode() for prompt in prompts], out)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["id"] for record in records] == [prompt["id"] for prompt in prompts]

    judges: dict[str, Critic] = {"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()}
    for record, prompt in zip(records, prompts, strict=True):
        if record["status"] == "released":
            exchange = Exchange((Message("user", prompt["prompt"]),), record["answer"])
            for rule in pipeline.manifesto.rules:
                (finding,) = judges[rule.critics[0]](exchange, [rule])
                assert finding.probability == 0, (record["id"], rule.id, record["answer"])
        else:
            assert record["status"] == "withheld"
            assert record["answer"] == pipeline.manifesto.refusal
    assert any(len(record["attempts"]) > 1 for record in records)
    assert any(record["status"] == "released" for record in records)

"""Real weights, and the command as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

import critics
from critics import Critic, Exchange, Message, PatternsCritic, PersonalDataCritic
from pipeline import Pipeline, assemble, load_settings
from tests.pipeline.batch.running import batch, go, lines, read, timeless

SUBJECTS = ["rain", "bread", "a bridge", "the moon", "tea", "a bicycle", "snow", "honey", "a library", "the sea"]
FORMS = [
    "Tell me in one sentence what {} is.",
    "Say something cheerful about {}!",
    "Write a one-line advertisement for {}.",
    "Wish a friend well with {}.",
    "Write a short note that mentions {} and sign it.",
]
PROMPTS = [{"id": f"{i}-{j}", "prompt": form.format(s)} for i, form in enumerate(FORMS) for j, s in enumerate(SUBJECTS)]


@pytest.fixture(scope="module")
def house() -> Pipeline:
    """`house-style` over the embedded model, with short drafts so that fifty prompts take a minute."""
    settings = load_settings(flags={"generator": {"max_tokens": 40}})
    return assemble(critics.load("house-style"), settings)


@pytest.mark.timeout(600)
def test_fifty_prompts_release_only_what_the_rules_accept(house: Pipeline, tmp_path: Path) -> None:
    """No prompt is lost, though many are in one batch; every released answer passes its rules when it is checked anew,
    apart from the loop; the others are withheld with the refusal. Some drafts do fail, or the test would show
    nothing."""
    go(batch(tmp_path, lines(*PROMPTS)), house, workers=8)
    records = read(tmp_path / "out.jsonl")
    assert [record["id"] for record in records] == [prompt["id"] for prompt in PROMPTS]

    judges: dict[str, Critic] = {"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()}
    for record, prompt in zip(records, PROMPTS, strict=True):
        if record["status"] == "released":
            exchange = Exchange((Message("user", prompt["prompt"]),), record["answer"])
            for rule in house.manifesto.rules:
                (finding,) = judges[rule.critics[0]](exchange, [rule])
                assert finding.probability == 0, (record["id"], rule.id, record["answer"])
        else:
            assert record["status"] == "withheld"
            assert record["answer"] == house.manifesto.refusal
    assert any(len(record["attempts"]) > 1 for record in records)
    assert any(record["status"] == "released" for record in records)


def test_a_prompt_that_is_too_long_is_a_fault_of_its_own(house: Pipeline, tmp_path: Path) -> None:
    """It says so, with its line; those beside it are answered."""
    go(batch(tmp_path, lines({"prompt": "Say hi."}, {"prompt": "word " * 6000}, {"prompt": "Say bye."})), house)
    records = read(tmp_path / "out.jsonl")
    assert [r["status"] == "faulted" for r in records] == [False, True, False]
    assert records[1]["fault"].startswith("line 2: the prompt has ")


class Command:
    """`superego batch` in a folder of its own, with a cache of its own."""

    def __init__(self, folder: Path, root: Path, manifesto: str, *more: str) -> None:
        self.folder = folder
        (folder / "in.jsonl").write_bytes(lines(*PROMPTS[:24]))
        (folder / "m.yaml").write_text(manifesto)
        cache = str(folder / "cache.sqlite")
        self.env = {**os.environ, "PYTHONPATH": str(root), "SUPEREGO_CACHE__FILE": cache}
        self._more = more

    def arguments(self, out: str, *more: str) -> list[str]:
        own = ["batch", "in.jsonl", "-o", out, "-m", "m.yaml", "--max-tokens", "12", "--json", *self._more, *more]
        return [sys.executable, "-m", "pipeline.cli", *own]

    def run(self, out: str, *more: str) -> dict[str, Any]:
        """What it prints as JSON."""
        done = subprocess.run(
            self.arguments(out, *more), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary


RULES = """
name: m
version: "1"
budget: {attempts: 1}
rules:
  - {id: calm, statement: The answer is calm and makes no fuss., threshold: 0.97}
"""


@pytest.mark.timeout(600)
def test_killed_on_real_weights(tmp_path: Path, root: Path) -> None:
    """kill -9 at random instants, and the same command again: every id comes back once, in order, and a record that
    was finished never changes."""
    command, random = Command(tmp_path, root, RULES, "--workers", "4", "--no-cache"), Random(3)
    journal, finished = tmp_path / "out.jsonl.journal", dict[str, str]()
    for _ in range(3):
        with subprocess.Popen(
            command.arguments("out.jsonl"), cwd=tmp_path, env=command.env, stdout=subprocess.DEVNULL
        ) as process:
            before, upto = len(finished), random.randrange(2, 7)
            while process.poll() is None and len(_whole(journal)) < before + upto:
                time.sleep(0.01)
            process.kill()
        kept = _whole(journal)
        assert finished.items() <= kept.items()
        finished = kept
    assert 0 < len(finished) < 24
    summary = command.run("out.jsonl")
    records = read(tmp_path / "out.jsonl")
    assert [r["id"] for r in records] == [prompt["id"] for prompt in PROMPTS[:24]]
    assert summary["resumed"] == len(finished)
    answers = {record["id"]: record["answer"] for record in records}
    assert {id: answers[id] for id in finished} == finished


def _whole(journal: Path) -> dict[str, str]:
    """The answers by id of the records that stand in a journal."""
    found = {}
    for line in journal.read_bytes().splitlines(keepends=True) if journal.exists() else ():
        _, place, *rest = line.split(b" ", 3)
        if place != b"-" and line.endswith(b"\n"):
            record = json.loads(rest[-1])
            found[record["id"]] = record["answer"]
    return found


@pytest.mark.timeout(600)
def test_an_edit_of_a_threshold_costs_the_model_nothing(tmp_path: Path, root: Path) -> None:
    """The drafts and findings of the run before are used, and the outcome goes by the new threshold; a new rule is
    judged, and nothing else is."""
    command = Command(tmp_path, root, RULES, "--workers", "4")
    (tmp_path / "in.jsonl").write_bytes(lines(*PROMPTS[:8]))
    first = command.run("1.jsonl")
    assert first["cached"] == {"drafts": 0, "verdicts": 0}
    (tmp_path / "m.yaml").write_text(RULES.replace("0.97", "0.000001"))
    second = command.run("2.jsonl")
    assert second["cached"] == {"drafts": 8, "verdicts": 8}
    one, two = read(tmp_path / "1.jsonl"), read(tmp_path / "2.jsonl")
    assert [_breach(r) for r in one] == [_breach(r) for r in two]
    assert {r["status"] for r in two} == {"withheld"}
    (tmp_path / "m.yaml").write_text(RULES + "  - {id: kind, statement: The answer is kind.}\n")
    third = command.run("3.jsonl")
    assert third["cached"] == {"drafts": 8, "verdicts": 8}
    assert [timeless(r)["attempts"][0]["seed"] for r in one] == [r["seed"] for r in read(tmp_path / "3.jsonl")]


def _breach(record: dict[str, Any]) -> float:
    breach: float = record["attempts"][0]["verdict"]["breach"]
    return breach


@pytest.mark.timeout(600)
def test_a_deterministic_run_repeats_to_the_last_byte(tmp_path: Path, root: Path) -> None:
    """Killed in the middle or not, in this process or another, with what came before it in the cache or not: the
    records are the same, apart from times."""
    command = Command(tmp_path, root, RULES.replace("attempts: 1", "attempts: 2"), "--deterministic")
    (tmp_path / "in.jsonl").write_bytes(lines(*PROMPTS[:8]))
    command.run("whole.jsonl", "--full")
    journal = tmp_path / "out.jsonl.journal"
    with subprocess.Popen(
        command.arguments("out.jsonl", "--full"), cwd=tmp_path, env=command.env, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and len(_whole(journal)) < 3:
            time.sleep(0.01)
        process.kill()
    assert 3 <= command.run("out.jsonl", "--full")["resumed"] < 8
    whole, out = read(tmp_path / "whole.jsonl"), read(tmp_path / "out.jsonl")
    assert [json.dumps(timeless(r)) for r in out] == [json.dumps(timeless(r)) for r in whole]
    assert not (tmp_path / "cache.sqlite").exists()


def test_no_clock_ends_anything_in_a_deterministic_run(tmp_path: Path, root: Path) -> None:
    """A machine with other work to do takes longer, and must not write another record for it."""
    rules = RULES.replace("attempts: 1", "attempts: 1, seconds: 0.001")
    command = Command(tmp_path, root, rules, "--deterministic", "--full")
    command.env["SUPEREGO_CRITIC_SECONDS"] = "0.001"
    (tmp_path / "in.jsonl").write_bytes(lines(*PROMPTS[:2]))
    command.run("out.jsonl")
    records = read(tmp_path / "out.jsonl")
    assert len(records) == 2
    for record in records:
        (attempt,) = record["attempts"]
        assert record["stop_reason"] in ("passed", "attempts")
        assert [finding["probability"] is None for finding in attempt["verdict"]["findings"]] == [False]

"""`superego identity build steer` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from critics import Message
from pipeline.identity.gate import Gate, gated
from pipeline.identity.steer import read_steer
from pipeline.identity.steer.probes import Probe
from tests.pipeline.cli.test_cli import run
from tests.pipeline.cli.test_identity_lora import MANIFESTO, SETTINGS


def build(folder: Path, *more: str) -> tuple[int, str, str]:
    (folder / "mill.yaml").write_text(MANIFESTO)
    (folder / "superego.yaml").write_text(SETTINGS)
    flags = ("-m", str(folder / "mill.yaml"), "--config", str(folder / "superego.yaml"), "-o", str(folder / "a.gguf"))
    result = run("identity", "build", "steer", *flags, "--prompts", "4", "--layers", "8-9", "--json", *more)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("more", "rank", "matrices"),
    [
        (("--rank", "2"), 2, {"ffn_gate", "ffn_up", "ffn_down", "attn_k", "attn_v"}),
        (("--rank", "2", "--anywhere"), 2, {"ffn_down"}),
    ],
)
def test_how_much_it_holds(tmp_path: Path, more: tuple[str, ...], rank: int, matrices: set[str]) -> None:
    """Tokens of the template, or the rank of each layer's change; what llama.cpp makes of it is told."""
    code, out, _ = build(tmp_path, *more)
    told = json.loads(out)
    assert code == (1 if told["faults"] else 0)
    assert told["rank"] == rank
    assert told["perplexity"] == pytest.approx(1, abs=0.2)
    changes = read_steer(tmp_path / "a.gguf").changes
    assert {name for patches in changes.values() for name in patches} == matrices


def test_one_more_rule_is_measured_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On what was held out, against the model that is told the rule as well; a fault is exit code 1."""
    told: list[str] = []

    def noted(adapter: Path, system: Message, held: tuple[Probe, ...], weights: Path, *, threads: int | None) -> Gate:
        told.append(system.content)
        gate = gated(adapter, system, held, weights, threads=threads)
        return Gate(gate.plain, gate.worn, 1.2 * gate.perplexity)

    monkeypatch.setattr("pipeline.identity.gate.gated", noted)
    build(tmp_path)
    code, out, err = build(tmp_path, "--add", "Answer in French.")
    assert code == 1
    assert "times as surprising" in json.loads(out)["faults"][-1]
    assert "not to be used" in err
    assert ["Answer in French." in one for one in told] == [False, True]

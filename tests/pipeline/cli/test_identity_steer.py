"""`superego identity build steer` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from critics import Message, load
from pipeline.assembly import Parts
from pipeline.identity import Made
from pipeline.identity.gate import Gate, gated
from pipeline.identity.steer import read_steer
from pipeline.identity.steer.probes import Probe
from tests.pipeline.cli.test_cli import run
from tests.pipeline.cli.test_identity_lora import MANIFESTO, SETTINGS

pytestmark = pytest.mark.usefixtures("parsed_once")


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
    assert Path(told["file"]) == tmp_path / ("a.rejected.gguf" if code else "a.gguf")
    changes = read_steer(Path(told["file"])).changes
    assert {name for patches in changes.values() for name in patches} == matrices


def test_one_more_rule_is_measured_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On what was held out, against the model that is told the rule as well. One that is not to be used is exit code 1,
    and it does not take the place of the one that was good."""
    told: list[str] = []

    def noted(adapter: Path, system: Message, held: tuple[Probe, ...], weights: Path, *, threads: int | None) -> Gate:
        told.append(system.content)
        gate = gated(adapter, system, held, weights, threads=threads)
        return Gate(gate.worn + 0.1, gate.worn, 1.2 if len(told) > 1 else 1)

    monkeypatch.setattr("pipeline.identity.gate.gated", noted)
    code, out, _ = build(tmp_path)
    assert (code, json.loads(out)["file"]) == (0, str(tmp_path / "a.gguf"))
    before = (tmp_path / "a.gguf").read_bytes()
    code, out, err = build(tmp_path, "--add", "Answer in French.")
    assert code == 1
    assert "times as surprising" in json.loads(out)["faults"][-1]
    assert "not to be used" in err
    assert json.loads(out)["file"] == str(tmp_path / "a.rejected.gguf")
    assert read_steer(tmp_path / "a.rejected.gguf").made.also == ("Answer in French.",)
    assert (tmp_path / "a.gguf").read_bytes() == before
    assert ["Answer in French." in one for one in told] == [False, True]


@pytest.mark.parametrize(
    ("worn", "there"),
    [
        (None, {"a.gguf": b"of yesterday"}),
        (0.3, {"a.gguf": b"of yesterday", "a.rejected.gguf": b"new"}),
        (0.1, {"a.gguf": b"new"}),
    ],
    ids=["stopped", "rejected", "passed"],
)
def test_what_was_good_is_kept_until_there_is_another(
    worn: float | None, there: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is stopped while it is measured, or rejected, spoils nothing; and no other file is left."""
    (tmp_path / "a.gguf").write_bytes(b"of yesterday")
    made = SimpleNamespace(made=Made.of("steer", load("house-style")), held=(), rank=4)

    def measured(*_: object, **__: object) -> Gate:
        if worn is None:
            raise KeyboardInterrupt
        return Gate(0.2, worn, 1.0)

    monkeypatch.setattr("pipeline.identity.steer.refined", lambda *_, **__: made)
    monkeypatch.setattr("pipeline.identity.steer.read_steer", lambda _: made)
    monkeypatch.setattr("pipeline.identity.steer.write_steer", lambda path, _: path.write_bytes(b"new"))
    monkeypatch.setattr("pipeline.identity.gate.gated", measured)
    monkeypatch.setattr(Parts, "drafting", lambda _: (None, None))
    flags = ("-m", "house-style", "-o", str(tmp_path / "a.gguf"), "--add", "Be brief.")
    result = run("identity", "build", "steer", *flags)
    assert result.exit_code == (130 if worn is None else 1 if worn > 0.2 else 0)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == there
    assert ("To use it" in result.stderr) == (result.exit_code == 0)

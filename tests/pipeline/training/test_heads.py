"""A probe from rows to verdicts, on the embedded weights."""

from __future__ import annotations

import json
import random
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from critics import Exchange, Head, Manifesto, Message, Probe, Rule, read_probe, write_probe
from pipeline import SettingsError, assemble, load_settings
from pipeline.assembly import embedded
from pipeline.errors import BadInput, OutputFault
from pipeline.llama import Engine, LlamaModel, LlamaStates
from pipeline.llama.engine import Looking, Seen
from pipeline.training.heads import train_heads
from pipeline.training.rows import read_rows
from tests.pipeline.cli.test_cli import run

SUBJECTS = ("rain", "bread", "trains", "paint", "maths", "tea", "shoes", "rivers", "clocks", "ships", "sand", "soup")
OURS = """\
name: ours
version: "1"
rules:
  - {id: no-cats, statement: The answer does not speak of cats., critics: [probe], action: veto}
  - {id: short, statement: The answer is short., critics: [probe], action: veto}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a manifesto, and rows that say which answers speak of cats and which do not."""
    folder = tmp_path_factory.mktemp("heads")
    (folder / "ours.yaml").write_text(OURS)
    lines = []
    for number in range(72):
        draw, cat = random.Random(number), number % 2
        words = draw.sample(SUBJECTS, 3)
        said = f"{words[0]} and {words[1]}, says my {'cat' if cat else draw.choice(SUBJECTS)} of {words[2]}."
        row = {"text": f"Tell me of {words[0]}.", "response": said, "labels": {"no-cats": cat}}
        lines.append(json.dumps(row | ({"labels": {"no-cats": cat, "short": cat}} if number < 10 else {})))
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return folder


def test_what_was_learnt_is_what_judges(folder: Path) -> None:
    """One command makes the probe, the next one judges by it; a rule with too few rows has no head."""
    out, config = folder / "cats.safetensors", folder / "superego.yaml"
    ours = ("-m", str(folder / "ours.yaml"))
    made = run("critic", "train", str(folder / "rows.jsonl"), *ours, "--kind", "probe", "-o", str(out), "--held", "0.2")
    assert made.exit_code == 0, made.output
    assert "no-cats" in made.stdout
    assert "give more prompts" in made.stderr
    assert list(read_probe(out).heads) == ["no-cats"]
    assert out.stat().st_size < 4096
    card = out.with_suffix(".md").read_text()
    assert "| rows | 72 | 82 | 41 |" in card
    assert "layers: 14,16,18,20" in card
    config.write_text(f"probe: {{file: {out}}}\n")
    ego = assemble(Manifesto(name="m", version="1", rules=(_rule("no-cats"),)), load_settings(config), drafts=False)
    cat, tea = (ego.judge("Tell me of soup.", f"soup and sand, says my {word} of tea.") for word in ("cat", "train"))
    assert cat.breach is not None
    assert tea.breach is not None
    assert cat.breach > 0.5 > tea.breach
    assert cat.usage.completion_tokens == 0
    judged = assemble(Manifesto(name="m", version="1", rules=(_rule("short"),)), load_settings(config), drafts=False)
    assert judged.judge("Hi.", "Hello.").outcome == "undecided"


def test_what_is_looked_at_is_the_last_turn(model: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question where there is no draft, else the draft; and neither what is around it nor what came before."""
    engine = Engine(model, context=1024, threads=1)
    look, heard = LlamaStates(engine), list[Looking]()
    original = engine.look

    def listening(request: Looking) -> Future[Seen]:
        heard.append(request)
        return original(request)

    monkeypatch.setattr(engine, "look", listening)
    said = Exchange((Message("user", "Where is the mill?"),), "By the river.")
    for exchange, text in ((replace(said, draft=None), "Where is the mill?"), (said, "By the river.")):
        states, usage = look(exchange, (3, 4))
        request = heard[-1]
        spelt = b"".join(model.piece(token) for token in request.prompt[request.start :]).decode()
        assert spelt.strip() == text
        assert states.shape == (2 * 192,)
        assert usage.total > 0
    engine.close()


def test_a_probe_is_of_one_model(folder: Path) -> None:
    """Used on another it would give numbers that mean nothing."""
    config, strange = folder / "strange.yaml", folder / "strange.safetensors"
    write_probe(strange, Probe({"no-cats": Head(np.zeros(192, dtype=np.float32), 0.0)}, (3,), "another"))
    config.write_text(f"probe: {{file: {strange}}}\n")
    rules = Manifesto(name="m", version="1", rules=(_rule("no-cats"),))
    with pytest.raises(SettingsError, match="trained on other weights"):
        assemble(rules, load_settings(config), drafts=False)
    elsewhere = {"judge": {"model": "openai:any"}}
    with pytest.raises(SettingsError, match="'openai:any' is not one"):
        assemble(rules, load_settings(config, elsewhere), drafts=False)
    other = {"judge": {"model": str(folder / "other.gguf")}}
    with pytest.raises(SettingsError, match="no probe is shipped for"):
        assemble(rules, load_settings(flags=other), drafts=False)


def test_rows_must_do_for_a_head(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a probe that cannot be written leaves the one before it."""
    rules = Manifesto(name="ours", version="1", rules=(_rule("no-cats"),))
    rows, out = read_rows([folder / "rows.jsonl"], _both()), folder / "x.safetensors"
    with pytest.raises(BadInput, match="no rule of ours has 20 rows that break it"):
        train_heads(rows[:30], rules, embedded.weights(), out, layers=(3,))

    def half(path: Path, _: Probe) -> None:
        path.write_text("half")
        raise OSError("no room")

    monkeypatch.setattr("pipeline.training.heads.write_probe", half)
    out.write_text("of yesterday")
    with pytest.raises(OutputFault, match=r"x\.safetensors cannot be written: no room"):
        train_heads(rows, rules, embedded.weights(), out, layers=(3,))
    assert out.read_text() == "of yesterday"
    result = run("critic", "train", str(folder / "rows.jsonl"), "-m", str(folder / "ours.yaml"), "--kind", "probe",
                 "-o", str(folder / "x.gguf"))  # fmt: skip
    assert result.exit_code == 2
    assert ".safetensors" in result.stderr


def test_a_row_that_is_too_long_is_named_before_any_is_looked_at(folder: Path) -> None:
    """By its file and line: what was read of the others would be lost."""
    lines = (folder / "rows.jsonl").read_text().splitlines()
    lines[59] = json.dumps(json.loads(lines[59]) | {"response": "My cat. " * 4000})
    (folder / "long.jsonl").write_text("\n".join(lines))
    rows, looked = read_rows([folder / "long.jsonl"], _both()), list[int]()
    with pytest.raises(BadInput, match=r"long\.jsonl:60: the exchange has \d+ tokens, and 8192 at most are read"):
        train_heads(
            rows, _both(), embedded.weights(), folder / "x.safetensors", layers=(3,),
            stepped=lambda done, _: looked.append(done),
        )  # fmt: skip
    assert not looked


def _rule(name: str) -> Rule:
    return Rule(id=name, statement=f"It is {name}.", critics=("probe",), action="veto")


def _both() -> Manifesto:
    return Manifesto(name="ours", version="1", rules=(_rule("no-cats"), _rule("short")))

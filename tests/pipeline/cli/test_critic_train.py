"""What `critic train` refuses before it begins, and what it says of rows and figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.assembly import embedded
from pipeline.assembly.weights import weights_of
from pipeline.errors import ModelUnusable
from pipeline.training import judge_adapter
from pipeline.training.area import Area
from pipeline.training.judge_adapter import JudgeCheck, Trained
from tests.pipeline.cli.test_cli import run

OURS = 'name: ours\nversion: "1"\nrules: [{id: calm, statement: The answer is calm., critics: [judge]}]\n'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.yaml").write_text(OURS)
    replies = (("Well.", 0), ("No! " * 300, 1), ("Yes. " * 300, 0))
    lines = [json.dumps({"text": "Hi.", "response": reply, "label": label}) for reply, label in replies]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))


@pytest.mark.parametrize(("kind", "name"), [("lora", "judge.gguf"), ("probe", "calm.safetensors")])
def test_a_folder_in_the_place_of_the_output_is_refused_at_once(tmp_path: Path, kind: str, name: str) -> None:
    """Before a row is read."""
    (tmp_path / name).mkdir()
    result = run("critic", "train", "none.jsonl", "-m", "ours.yaml", "--kind", kind, "-o", name)
    assert result.exit_code == 2
    assert f"{name} should be a " in result.stderr


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (f"--kind probe -o calm.safetensors {flag}", "are for a lora: probe takes none of them")
        for flag in (
            "--epochs 1", "--acts-on exchange", "--start-from none.gguf", "--rank 16", "--rate 0.0003",
            "--check-every 100", "--restart",
        )
    ]
    + [("-o judge.gguf --layers 14,16,18,20", "--layers is for a probe: lora takes none")],
)  # fmt: skip
def test_what_is_for_the_other_kind_is_refused(flags: str, why: str) -> None:
    """Though it says what holds anyway; before a row is read."""
    result = run("critic", "train", "none.jsonl", "-m", "ours.yaml", *flags.split())
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())


@pytest.mark.parametrize(("model", "optimise"), [("big.gguf", "true"), ("embedded", "false")])
def test_a_probe_looks_into_the_weights_that_will_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, optimise: str
) -> None:
    """No copy in another form, of any size, is put into the cache folder for what nobody reads in that form later."""

    def requantised(*_: object, **__: object) -> None:
        raise AssertionError("put into another form")

    def loaded(path: Path) -> None:
        raise ModelUnusable(f"{path.name} was to be loaded")

    monkeypatch.setattr("pipeline.llama.optimise.first_use.requantised", requantised)
    monkeypatch.setattr("pipeline.training.heads.LlamaModel", loaded)
    monkeypatch.setenv("SUPEREGO_OPTIMISE", optimise)
    (tmp_path / "big.gguf").symlink_to(embedded.weights())
    lines = [json.dumps({"text": "Hi.", "response": f"Well {n}.", "labels": {"calm": n % 2}}) for n in range(60)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    asked = ("rows.jsonl", "-m", "ours.yaml", "--kind", "probe", "--model", model, "-o", "calm.safetensors")
    result = run("critic", "train", *asked)
    path = weights_of(model)
    assert path is not None
    assert f"{path.name} was to be loaded" in result.stderr


def test_what_is_not_given_is_what_the_help_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    trained(monkeypatch, prompts_apart=True)
    card, told = (tmp_path / "judge.md").read_text(), run("critic", "train", "--help").stdout
    for name, value in (("epochs", 1), ("rank", 16), ("rate", 0.0003), ("check_every", 100)):
        assert f"- {name}: {value}\n" in card
        assert f", {value} when not given" in told
    assert "- alpha: 32\n" in card
    assert "- acts_on: exchange\n" in card


def trained(monkeypatch: pytest.MonkeyPatch, *flags: str, prompts_apart: bool) -> Any:
    """The command's result, with a card, where training is over at once."""

    def train(*_: object, **__: object) -> Trained:
        checks = [JudgeCheck(step, 9, 0.5, loss, 0.9) for step, loss in ((3, 0.4), (6, 0.5))]
        by_source = {
            "rows": (1, 1, Area(0.9, (0.85, 0.94)), 0.25),
            "others": (1, 1, Area(0.7, None), 0.75),
            "more": (1, 1, Area(math.nan, None), 0.1),
        }
        return Trained(3, prompts_apart, checks, checks[0], 2, by_source, Area(0.9996, (0.9, 1.0)), 0.5)

    monkeypatch.setattr(judge_adapter, "train_adapter", train)
    result = run("critic", "train", "rows.jsonl", "-m", "ours.yaml", "-o", "judge.gguf", *flags)
    assert result.exit_code == 0, result.output
    return result


def test_rows_that_are_learnt_from_in_part_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error, and in the card."""
    result = trained(monkeypatch, prompts_apart=True)
    told = (
        "of 2 exchanges what is judged, or its sources together, is longer than the 900 characters that are learnt "
        "from, and 1 of these break"
    )
    assert told in result.stderr
    assert told in (tmp_path / "judge.md").read_text()
    assert "flatter" not in result.stderr


def test_figures_that_may_flatter_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = trained(monkeypatch, prompts_apart=False)
    assert "may flatter: give more prompts, or a higher --held" in result.stderr
    assert "may flatter" in (tmp_path / "judge.md").read_text()


def test_that_held_out_rows_may_have_been_learnt_before_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whoever starts from an adapter: which rows that one was trained on, nobody tells."""
    result = trained(monkeypatch, "--start-from", "before.gguf", prompts_apart=True)
    told = "what the adapter that it started from had learnt is not known here"
    assert told in result.stderr
    assert told in (tmp_path / "judge.md").read_text()


def test_the_card_says_which_step_was_kept_and_what_chose_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(monkeypatch, prompts_apart=True)
    card = (tmp_path / "judge.md").read_text()
    assert "- steps: 3 of the 6 that were taken\n" in card
    assert "The best check, which is what was kept, was chosen by 2 of these rows." in card


def test_how_good_it_is_on_what_was_held_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each source and of all: how well it tells apart, and how far its probabilities are off."""
    result = trained(monkeypatch, prompts_apart=True)
    told = [
        "rows 1 1 0.900 (0.850 to 0.940) 0.250",
        "others 1 1 0.700 (too few rows to say how sure) 0.750",
        "more 1 1 one class 0.100",
        "all 3 >0.999 (0.900 to 1.000) 0.500",
    ]
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert [line for line in lines if line][-4:] == told
    card = (tmp_path / "judge.md").read_text()
    assert "| held-out rows of | rows | labels | AUROC (95 %) | log loss |" in card
    assert "| all | 3 |  | >0.999 (0.900 to 1.000) | 0.500 |" in card

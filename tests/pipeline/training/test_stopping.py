"""When training stops and what it keeps, with a trainer that follows a script."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from critics import Exchange, Message, Rule, Source
from pipeline.errors import BadInput, OutputFault
from pipeline.llama import LlamaModel
from pipeline.training import judge_adapter
from pipeline.training.examples import Example
from pipeline.training.judge_adapter import _key, train_adapter
from pipeline.training.lora import JudgePlan
from pipeline.training.rows import Row
from pipeline.training.run import Saved

RULE = Rule(id="kind", statement="It is kind.")
WORDS = ("rain", "bread", "trains", "paint", "maths", "tea", "shoes", "rivers", "clocks", "ships", "soup", "sand")
ROWS = [
    Row(Exchange((Message("user", f"Speak of {word}."),), f"{word} " * 5), {RULE: number % 2 == 0}, "made")
    for number, word in enumerate(WORDS)
]


class Scripted:
    """Learns as it is told: at each check, the chance that it gives to what is true."""

    script: Sequence[float] = ()
    loss = 0.5

    def __init__(self, _: Path, plan: JudgePlan, **__: object) -> None:
        self.plan = plan
        self.step = 0
        self.heads = dict[str, int]()
        self._seen = -1

    def train(self, _: Sequence[Example], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
        while self.step < steps:
            self.step += 1
            yield self.loss
            self._seen += 1
            if not checked(0.5):
                return

    def probabilities(self, examples: Sequence[Example]) -> np.ndarray[Any, np.dtype[np.float64]]:
        sure = self.script[self._seen]
        return np.array([sure if broken else 1 - sure for example in examples for broken in example.broken])

    def adapter(self) -> dict[str, Any]:
        return {"at": torch.tensor(self.step)}

    def state(self) -> dict[str, Any]:
        return {"step": self.step}

    def restore(self, state: dict[str, Any]) -> None:
        if "step" in state:
            self.step = state["step"]
            self._seen = self.step - 1
        if "adapter" in state:
            self._seen = int(state["adapter"]["at"]) - 1


def trained(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, out: Path, script: Sequence[float], plan: JudgePlan
) -> tuple[judge_adapter.Trained, int]:
    """With the number of the step whose adapter was written."""
    written: list[int] = []
    monkeypatch.setattr(Scripted, "script", script)
    monkeypatch.setattr(judge_adapter, "Trainer", Scripted)
    monkeypatch.setattr(judge_adapter, "write_adapter", lambda _, best, **__: written.append(int(best["at"])))
    return train_adapter(ROWS, model.path, out, plan, held=0.3), written[0]


def test_the_best_is_kept_and_not_the_last(monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path) -> None:
    """It stops as soon as patience is out, and the figures are those of what is written."""
    plan = JudgePlan(batch=1, patience=2)
    found, at = trained(monkeypatch, model, tmp_path / "a.gguf", (0.6, 0.9, 0.7, 0.8, 0.99), plan)
    assert at == 2
    assert [round(check.held_loss, 2) for check in found.checks] == [0.51, 0.11, 0.36, 0.22]
    assert found.log_loss == pytest.approx(-np.log(0.9))


def test_the_check_that_is_told_as_kept_is_the_one_whose_adapter_is(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    """Of equal ones the last; and it is told by how many rows it was chosen."""
    monkeypatch.setattr(judge_adapter, "MOST_CHECKED", 2)
    plan = JudgePlan(batch=1, patience=3, check_every=1)
    found, at = trained(monkeypatch, model, tmp_path / "a.gguf", (0.6, 0.9, 0.7, 0.9, 0.8), plan)
    assert (at, found.kept, found.chose, found.held) == (4, found.checks[3], 2, 3)
    assert found.checks[-1].step == 5


def test_a_run_that_was_stopped_after_its_end_is_not_trained_on(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    """While the figures were being taken: it ends as it would have, though another step would be the best of all."""
    plan, script = JudgePlan(batch=1, patience=2, check_every=1), (0.6, 0.9, 0.7, 0.8, 0.99, *[0.5] * 9)
    out, forget = tmp_path / "a.gguf", Saved.forget
    whole = trained(monkeypatch, model, tmp_path / "whole.gguf", script, plan)

    def interrupted(_: Saved) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Saved, "forget", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(monkeypatch, model, out, script, plan)
    monkeypatch.setattr(Saved, "forget", forget)
    assert trained(monkeypatch, model, out, script, plan) == whole


def test_fewer_rows_than_a_batch_are_one_step(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    found, at = trained(monkeypatch, model, tmp_path / "a.gguf", (0.7,), JudgePlan(batch=100))
    assert (at, len(found.checks)) == (1, 1)


def test_a_run_whose_checks_are_no_numbers_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    """It says what to try, writes no adapter, and leaves nothing that would lead there again."""
    plan = JudgePlan(batch=1, check_every=1)
    for script, step in (((float("nan"), 0.9, 0.9), 1), ((0.6, 0.7, float("nan"), 0.9), 3)):
        with pytest.raises(BadInput, match=f"training diverged at step {step}: try a lower --rate than 0.0003"):
            trained(monkeypatch, model, tmp_path / "a.gguf", script, plan)
        assert not list(tmp_path.iterdir())


def test_what_another_run_has_saved_outlives_one_that_diverges_before_its_first_check(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    """Whoever tries a higher rate can still go back."""
    Saved(tmp_path / "a.gguf.state", "another").write({"at": 3})
    with pytest.raises(BadInput, match="diverged"):
        trained(monkeypatch, model, tmp_path / "a.gguf", (float("nan"),), JudgePlan(batch=1))
    assert Saved(tmp_path / "a.gguf.state", "another").read()


def test_a_step_whose_loss_is_no_number_ends_it_before_the_next_check(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    monkeypatch.setattr(Scripted, "loss", float("inf"))
    with pytest.raises(BadInput, match="training diverged at step 1: "):
        trained(monkeypatch, model, tmp_path / "a.gguf", (0.9,) * 9, JudgePlan(batch=1))


def test_a_run_is_gone_on_with_only_where_it_learns_and_checks_the_same(model: LlamaModel) -> None:
    """Else rows that were learnt from would be held out; a row's source changes neither."""
    plan, (first, *others) = JudgePlan(), ROWS[:4]
    said = first.exchange
    moved = Exchange((Message("user", f"{said.conversation[0].content}\n{said.draft}"),), "")
    informed = replace(said, sources=(Source("Noon.", "board"),))
    rows = [[replace(first, exchange=exchange), *others] for exchange in (said, moved, informed)]
    rows += [[replace(first, labels={RULE: not first.labels[RULE]}), *others]]
    keys = {_key(some, ROWS[4:], model.path, plan, None) for some in rows}
    assert len(keys) == 4
    assert _key(ROWS[:5], ROWS[5:], model.path, plan, None) not in keys
    assert _key([replace(first, source="renamed"), *others], ROWS[4:], model.path, plan, None) in keys


def serialised(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


@pytest.mark.parametrize("kept", [b"", b"PK\3\4aaaa", b"hello world", serialised({"key": "k"})[:-40], serialised(7)])
def test_a_damaged_file_of_a_stopped_run_says_what_to_do(tmp_path: Path, kept: bytes) -> None:
    file = tmp_path / "a.gguf.state"
    file.write_bytes(kept)
    with pytest.raises(BadInput, match=r"a\.gguf\.state is damaged.* delete it, or begin anew with --restart"):
        Saved(file, "k").read()


def test_a_run_that_was_stopped_on_a_gpu_goes_on_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tensors say where they were."""
    load, places = torch.load, list[object]()

    def noted(file: Path, map_location: Any, **kwargs: Any) -> Any:
        places.append(map_location)
        return load(file, map_location=map_location, **kwargs)

    Saved(tmp_path / "state.pt", "k").write({"now": torch.zeros(2)})
    monkeypatch.setattr(torch, "load", noted)
    assert Saved(tmp_path / "state.pt", "k").read()
    assert places == ["cpu"]


def test_a_check_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.pt").mkdir()
    with pytest.raises(OutputFault, match=r"state\.pt cannot be written"):
        Saved(tmp_path / "state.pt", "k").write({"at": 3})
    with pytest.raises(OutputFault, match="cannot be written"):
        Saved(tmp_path / "gone" / "state.pt", "k").write({"at": 3})
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_what_is_held_out_is_measured_whole(monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path) -> None:
    """Though no more of it is learnt from than training can carry."""
    learnt, measured = list[int](), list[int]()

    class Noting(Scripted):
        def train(self, some: Sequence[Example], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
            learnt.extend(len(example.context) for example in some)
            return super().train(some, steps, checked)

        def probabilities(self, examples: Sequence[Example]) -> np.ndarray[Any, np.dtype[np.float64]]:
            measured.extend(len(example.context) for example in examples)
            return super().probabilities(examples)

    monkeypatch.setattr(Scripted, "script", (0.9, 0.9))
    monkeypatch.setattr(judge_adapter, "Trainer", Noting)
    monkeypatch.setattr(judge_adapter, "write_adapter", lambda *_, **__: None)
    long = [replace(row, exchange=replace(row.exchange, draft=f"{row.exchange.draft} " * 100)) for row in ROWS]
    train_adapter(long, model.path, tmp_path / "a.gguf", JudgePlan(batch=100), held=0.3)
    assert max(learnt) < 500 < min(measured)

"""When training stops and what it keeps, with a trainer that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from critics import Exchange, Message, Rule
from pipeline.llama import LlamaModel
from pipeline.training import judge_adapter
from pipeline.training.examples import Example
from pipeline.training.judge_adapter import train_adapter
from pipeline.training.lora import JudgePlan
from pipeline.training.rows import Row

RULE = Rule(id="kind", statement="It is kind.")
WORDS = ("rain", "bread", "trains", "paint", "maths", "tea", "shoes", "rivers", "clocks", "ships", "soup", "sand")
ROWS = [
    Row(Exchange((Message("user", f"Speak of {word}."),), f"{word} " * 5), {RULE: number % 2 == 0}, "made")
    for number, word in enumerate(WORDS)
]


class Scripted:
    """Learns as it is told: at each check, the chance that it gives to what is true."""

    script: Sequence[float] = ()

    def __init__(self, _: Path, plan: JudgePlan, **__: object) -> None:
        self.plan = plan
        self.step = 0
        self.heads = dict[str, int]()
        self._seen = -1

    def train(self, _: Sequence[Example], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
        while self.step < steps:
            self.step += 1
            yield 0.5
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


def test_fewer_rows_than_a_batch_are_one_step(
    monkeypatch: pytest.MonkeyPatch, model: LlamaModel, tmp_path: Path
) -> None:
    found, at = trained(monkeypatch, model, tmp_path / "a.gguf", (0.7,), JudgePlan(batch=100))
    assert (at, len(found.checks)) == (1, 1)

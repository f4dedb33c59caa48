"""A training run from check to check: it notes how it stands, keeps the best, stops early, and goes on after a stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from pipeline.errors import BadInput
from pipeline.files.replacing import left_behind, replacing
from pipeline.training.adapted import Adapted


@dataclass(frozen=True)
class Check:
    """How it stands after `step` steps: the mean loss since the last check, and the loss on what is held out."""

    step: int
    steps: int
    loss: float
    held_loss: float


C = TypeVar("C", bound=Check)


def kept_of(checks: Sequence[C]) -> C:
    """The check whose adapter is kept: the best, and of equal ones the last."""
    return min(reversed(checks), key=lambda check: check.held_loss)


class Run(Generic[C]):
    """What training has come to: its checks, and the best adapter so far. `look` measures on what is held out, and
    makes a check of that and of the mean loss; `remade` makes one of what it was written as; `cure` is what to try
    where training diverges."""

    def __init__(
        self,
        trainer: Adapted,
        saved: Saved,
        look: Callable[[float], C],
        *,
        remade: Callable[..., C],
        patience: int,
        cure: str,
        told: Callable[[C], None],
    ) -> None:
        self.checks: list[C] = []
        self.best: dict[str, Any] = {}
        self._trainer = trainer
        self._saved = saved
        self._look = look
        self._remade = remade
        self._patience = patience
        self._cure = cure
        self._told = told

    @property
    def kept(self) -> C:
        """The check whose adapter is the best."""
        return kept_of(self.checks)

    def resume(self) -> None:
        """Go on from the last check, where there is one."""
        if state := self._saved.read():
            self._trainer.restore(state["now"])
            self.best, self.checks = state["best"], [self._remade(**check) for check in state["checks"]]

    def follow(self, losses: Iterable[float]) -> Iterator[int]:
        """Take the steps that give these losses, and tell each one's number. None is taken where patience was out
        before the run was stopped. Raises as `check` does."""
        for loss in () if self._ended() else losses:
            self._heed(loss)
            yield self._trainer.step

    def _heed(self, loss: float) -> None:
        """Raise `BadInput` for a loss that is no number: no step leads back from there. What this run has saved is not
        kept to go on from, since it would lead there again."""
        if not math.isfinite(loss):
            if self.checks:
                self._saved.forget()
            raise BadInput(f"training diverged at step {self._trainer.step}: {self._cure}")

    def check(self, loss: float) -> bool:
        """Note how it stands, and say whether it still gets better. Raises `BadInput` where training diverges."""
        found = self._look(loss)
        self._heed(found.held_loss)
        self.checks.append(found)
        self._told(found)
        if self.kept is found:
            self.best = self._trainer.adapter()
        now = {"now": self._trainer.state(), "best": self.best, "checks": [asdict(check) for check in self.checks]}
        self._saved.write(now)
        return not self._ended()

    def _ended(self) -> bool:
        """Whether patience is out: so many checks brought nothing better."""
        losses = [check.held_loss for check in self.checks]
        return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= self._patience


class Saved:
    """Where training stands, in a file, so that it can go on after a stop. What has another key is not gone on with."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def read(self) -> Mapping[str, Any] | None:
        """Raises `BadInput` where it is damaged."""
        if not self._path.is_file():
            return None
        try:
            state = dict[str, Any](torch.load(self._path, map_location="cpu", weights_only=True))
        except Exception as exc:  # torch raises bare exceptions of many kinds
            raise BadInput(
                f"{self._path} is damaged, and training cannot go on from it: delete it, or begin anew with --restart"
            ) from exc
        return state if state.get("key") == self._key else None

    def write(self, state: Mapping[str, Any]) -> None:
        """Raises `OutputFault`."""
        with replacing(self._path, RuntimeError) as part:  # torch's own
            torch.save({**state, "key": self._key}, part)

    def forget(self) -> None:
        for file in (self._path, *left_behind(self._path)):
            file.unlink(missing_ok=True)

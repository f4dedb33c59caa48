"""Low-rank adaptation (Hu et al., arXiv 2106.09685) of a model that is asked about an exchange.

The adapter acts on all that is read, or on the question alone, after activated LoRA (Greenewald et al., arXiv
2504.12397): then the exchange is read by the untouched model, so that what a generator has in its cache can be judged
where it stands, and training needs no gradient for it. Either way an exchange is read once for all rules that it is
asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import log_softmax

from pipeline.training.adapted import Adapted, Plan, rounded
from pipeline.training.examples import Example

_AT_ONCE = 4096
"""Tokens that are read at once where nothing is learnt, with what fills up: there rows are not cut."""


@dataclass(frozen=True)
class JudgePlan(Plan):
    """How to train a judge; the examples are exchanges."""

    alpha: int = 32
    rate: float = 3e-4
    acts_on: Literal["exchange", "question"] = "exchange"


class Trainer(Adapted):
    """A model under training. `yes` and `no` are the tokens that spell the two answers."""

    def __init__(self, weights: Path, plan: JudgePlan, *, yes: Sequence[int], no: Sequence[int]) -> None:
        super().__init__(weights, plan)
        self.plan = plan
        self._answers = [torch.tensor(list(group), device=self._device) for group in (no, yes)]

    def train(self, examples: Sequence[Example], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
        """Take the steps from where it stands, giving each one's loss. `checked` is called with the mean loss as often
        as the plan says, and says whether to go on."""

        def loss_of(batch: Sequence[int]) -> torch.Tensor:
            some = [examples[index] for index in batch]
            truth = torch.tensor([broken for example in some for broken in example.broken], device=self._device)
            return -self._log_probabilities(some).gather(1, truth.long()[:, None]).mean()

        return self._trained([len(example.context) for example in examples], steps, loss_of, checked)

    def probabilities(self, examples: Sequence[Example]) -> npt.NDArray[np.float64]:
        """Of *yes* against *no*, for each question of each example, in order."""
        self.model.eval()
        found = [np.zeros(0) for _ in examples]
        for batch in _readable([len(example.context) for example in examples], self.plan.batch):
            some = [examples[index] for index in batch]
            with torch.no_grad():
                logs = self._log_probabilities(some).double()
            yes = torch.softmax(logs, dim=1)[:, 1].cpu().numpy()
            for index, part in zip(batch, np.split(yes, np.cumsum([len(e.broken) for e in some])[:-1]), strict=True):
                found[index] = part
        return np.concatenate([np.zeros(0), *found])

    def _log_probabilities(self, batch: Sequence[Example]) -> torch.Tensor:
        """Log-probability, out of everything, of *no* and of *yes* after each question, shape (questions, 2)."""
        said = rounded(max(len(example.context) for example in batch))
        contexts = np.zeros((len(batch), said), dtype=np.int64)
        for row, example in enumerate(batch):
            contexts[row, : len(example.context)] = example.context
        read = self._read(self._tensor(contexts))
        packed = _Packed.of(batch, said)
        found = self._inner.model(
            input_ids=self._tensor(packed.ids),
            position_ids=self._tensor(packed.positions),
            attention_mask=self._added(packed.mask),
            past_key_values=read.past_key_values,
            use_cache=True,
        )
        logits = self._inner.lm_head(found.last_hidden_state[packed.rows, packed.last]).float()
        logs = log_softmax(logits, dim=-1)
        return torch.stack([torch.logsumexp(logs[:, group], dim=1) for group in self._answers], dim=1)

    def _read(self, contexts: torch.Tensor) -> Any:
        """What the questions will attend to."""
        if self.plan.acts_on == "exchange":
            return self._inner.model(input_ids=contexts, use_cache=True)
        with torch.no_grad(), self.model.disable_adapter():
            return self._inner.model(input_ids=contexts, use_cache=True)

    def _added(self, mask: npt.NDArray[np.bool_]) -> torch.Tensor:
        """What is added to the attention scores: next to nothing is left of those that are not to be seen."""
        unseen = torch.zeros(mask.shape, dtype=torch.bfloat16, device=self._device)
        return unseen.masked_fill(~self._tensor(mask), torch.finfo(torch.bfloat16).min)


def _readable(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Which examples are read at once: of like lengths together, and fewer of the long ones."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    while order:
        fit = max(1, min(size, _AT_ONCE // max(1, lengths[order[0]])))
        yield order[:fit]
        order = order[fit:]


@dataclass(frozen=True)
class _Packed:
    """All questions of each example as one run of tokens: ids, positions, who may attend to what, and where each
    question's last token is."""

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    mask: npt.NDArray[np.bool_]
    rows: list[int]
    last: list[int]

    @classmethod
    def of(cls, batch: Sequence[Example], said: int) -> _Packed:
        """`said` is how long the contexts are, with what fills them up, which nobody attends to."""
        longest = rounded(max(len(e.stem) + sum(map(len, e.branches)) for e in batch))
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros((len(batch), 1, longest, said + longest), dtype=np.bool_)
        packed = cls(ids, np.zeros_like(ids), mask, [], [])
        for row, example in enumerate(batch):
            packed._add(row, example, said)
        return packed

    def _add(self, row: int, example: Example, said: int) -> None:
        heard, stem = len(example.context), len(example.stem)
        mask = self.mask[row, 0]
        mask[:, :heard] = True
        self._put(row, 0, example.stem, heard)
        mask[:stem, said : said + stem] = np.tri(stem, dtype=np.bool_)
        start = stem
        for branch in example.branches:
            end = start + len(branch)
            self._put(row, start, branch, heard + stem)
            mask[start:end, said : said + stem] = True
            mask[start:end, said + start : said + end] = np.tri(len(branch), dtype=np.bool_)
            self.rows.append(row)
            self.last.append(end - 1)
            start = end

    def _put(self, row: int, start: int, ids: Sequence[int], position: int) -> None:
        self.ids[row, start : start + len(ids)] = ids
        self.positions[row, start : start + len(ids)] = range(position, position + len(ids))

"""Context distillation (Askell et al., arXiv 2112.00861; Prompt Baking, arXiv 2409.13697): a model that is told nothing
learns to find probable what it finds probable when it is told the manifesto.

What the critic said takes it further than being told brings it. It learns what the told model would write given that
it passes, and not what a breach began with (after unlikelihood training, Welleck et al., arXiv 1908.04319); of answers
that were accepted it learns the words as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import log_softmax

from pipeline.identity.lessons.lesson import Lesson
from pipeline.training.adapted import Adapted, Plan, rounded


@dataclass(frozen=True)
class IdentityPlan(Plan):
    """How to train an identity; the examples are answers. `accepted` is how much the words of one that the critic
    accepted count beside what the told model finds probable in their place, `struck` how many other places one counts
    for where a breach began."""

    rate: float = 2e-3
    epochs: int = 3
    patience: int = 8
    check_every: int = 10
    accepted: float = 0.3
    struck: float = 8.0


class Read(NamedTuple):
    """Of the places in a batch's answers: divergence from the told model, and how improbable the token there is."""

    divergence: torch.Tensor
    surprise: torch.Tensor


class Distiller(Adapted):
    """A model that learns what it is no longer told."""

    def __init__(self, weights: Path, plan: IdentityPlan) -> None:
        super().__init__(weights, plan)
        self.plan = plan

    def train(self, lessons: Sequence[Lesson], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
        """Take the steps from where it stands, giving each one's loss. `checked` is called with the mean loss as often
        as the plan says, and says whether to go on."""

        # Not by this batch's: answers of like lengths come together, and in short ones a place would count for more.
        usual = self.plan.batch * sum(len(lesson.answer) for lesson in lessons) / len(lessons)

        def loss_of(batch: Sequence[int]) -> torch.Tensor:
            some = [lessons[index] for index in batch]
            read = self._read(some)
            words = torch.cat([torch.full((len(x.answer),), self.plan.accepted * x.accepted) for x in some])
            words = words.to(self._device)
            counts = torch.cat([self._counts(lesson) for lesson in some]).to(self._device)
            return (counts * ((1 - words) * read.divergence + words * read.surprise)).sum() / usual

        return self._trained([_length(lesson) for lesson in lessons], steps, loss_of, checked)

    def divergence(self, lessons: Sequence[Lesson]) -> float:
        """From the told model, in nats a token, the mean over all tokens."""
        return self._mean(lessons, lambda read: read.divergence)

    def surprise(self, lessons: Sequence[Lesson]) -> float:
        """At the words of the answers, as `divergence` is measured."""
        return self._mean(lessons, lambda read: read.surprise)

    def _mean(self, lessons: Sequence[Lesson], of: Callable[[Read], torch.Tensor]) -> float:
        self.model.eval()
        found = []
        for start in range(0, len(lessons), self.plan.batch):
            with torch.no_grad():
                found.append(of(self._read(lessons[start : start + self.plan.batch])).double().cpu())
        return float(torch.cat(found).mean())

    def _counts(self, lesson: Lesson) -> torch.Tensor:
        """How many places each one of its answer counts for."""
        counts = torch.ones(len(lesson.answer))
        if lesson.struck:
            counts[-1] = self.plan.struck
        return counts

    def _read(self, batch: Sequence[Lesson]) -> Read:
        ids = np.zeros((len(batch), rounded(max(_length(lesson) for lesson in batch))), dtype=np.int64)
        rows, places = list[int](), list[int]()
        for row, lesson in enumerate(batch):
            ids[row, : _length(lesson)] = (*lesson.prompt, *lesson.answer[:-1])  # what fills up is behind all
            rows += [row] * len(lesson.answer)
            places += range(len(lesson.prompt) - 1, _length(lesson))
        hidden = self._inner.model(input_ids=self._tensor(ids), use_cache=False).last_hidden_state
        logs = log_softmax(self._inner.lm_head(hidden[rows, places]).float(), dim=-1)
        likely = self._tensor(np.concatenate([lesson.likely for lesson in batch]).astype(np.int64))
        told = self._tensor(np.concatenate([lesson.logs for lesson in batch]))
        answers = self._tensor(np.concatenate([np.asarray(lesson.answer) for lesson in batch]))
        return Read(divergence(told, logs.gather(1, likely)), -logs.gather(1, answers[:, None])[:, 0])


def divergence(told: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL from the first in each place, all tokens that are not among the likely ones taken as one."""
    rest, others = (torch.log1p(-logs.exp().sum(1).clamp(max=1 - 1e-6)) for logs in (told, other))
    return (told.exp() * (told - other)).sum(1) + rest.exp() * (rest - others)


def _length(lesson: Lesson) -> int:
    return len(lesson.prompt) + len(lesson.answer) - 1

"""What an identity is trained on: answers, and what the model that is told the manifesto finds probable in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

LIKELY = 64
"""Tokens whose probabilities are kept in each place; what is left is kept as one."""


@dataclass(frozen=True)
class Lesson:
    """`told` is what the told model reads, `prompt` what the untold one does, `answer` what follows. Of each place of
    the answer, the `likely` tokens and their log-probabilities in the told model, both of the shape (tokens, likely).
    `accepted` where it is an answer that the critic passed, in the place of a first draft. `struck` where it ends with
    the token that a breach began with, for which the draft was rejected."""

    told: tuple[int, ...]
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    likely: npt.NDArray[np.int32]
    logs: npt.NDArray[np.float32]
    accepted: bool = False
    struck: bool = False

    def unbroken(self) -> Lesson:
        """Up to where the breach began."""
        if not self.struck:
            return self
        return replace(self, answer=self.answer[:-1], likely=self.likely[:-1], logs=self.logs[:-1], struck=False)


@dataclass(frozen=True)
class Gathered:
    """Lessons, and what the loop made of the prompts that they are from."""

    lessons: tuple[Lesson, ...] = ()
    asked: int = 0
    passed: int = 0
    mended: int = 0

    def __add__(self, other: Gathered) -> Gathered:
        return Gathered(
            self.lessons + other.lessons,
            self.asked + other.asked,
            self.passed + other.passed,
            self.mended + other.mended,
        )


def likely(logs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Of log-probabilities of the whole vocabulary, (tokens, vocabulary), the likely ones, in no order."""
    if logs.shape[1] <= LIKELY:
        places = np.broadcast_to(np.arange(logs.shape[1]), logs.shape)
    else:
        places = np.argpartition(logs, -LIKELY, axis=1)[:, -LIKELY:]
    return places.astype(np.int32), np.take_along_axis(logs, places, axis=1)

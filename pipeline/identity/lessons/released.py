"""What the told model would write given that the critic lets it pass, by what was said of drafts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.identity.lessons.lesson import Lesson

LEAST = 1e-3
"""Of probability, left to all tokens that are not among the likely ones."""


def as_released(lessons: Sequence[Lesson]) -> list[Lesson]:
    """The lessons with other probabilities: each token's by how seldom a breach begins with it, and none for the one
    that a breach did begin with, in its place."""
    passing = passing_shares(lessons)
    return [replace(lesson, logs=_released(lesson, passing)) for lesson in lessons]


def passing_shares(lessons: Sequence[Lesson]) -> Mapping[int, float]:
    """Of each token that a breach began with, the share of its places in which none did, as if it had one more of
    these: what was written seldom is not known well."""
    written = Counter(token for lesson in lessons for token in lesson.answer)
    broken = Counter(lesson.answer[-1] for lesson in lessons if lesson.struck)
    return {token: 1 - count / (written[token] + 1) for token, count in broken.items()}


def _released(lesson: Lesson, passing: Mapping[int, float]) -> npt.NDArray[np.float32]:
    shares = np.ones(lesson.likely.shape)
    for token, share in passing.items():
        shares[lesson.likely == token] = share
    if lesson.struck:
        shares[-1, lesson.likely[-1] == lesson.answer[-1]] = 1e-9
    told = np.exp(lesson.logs.astype(np.float64))
    rest = np.clip(1 - told.sum(axis=1, keepdims=True), LEAST, None)
    kept = told * shares
    return np.asarray(np.log(kept / (kept.sum(axis=1, keepdims=True) + rest)), np.float32)

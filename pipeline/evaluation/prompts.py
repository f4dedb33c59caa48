"""Which rows answer one prompt: they are right or wrong together, and tell less than as many prompts would.

And which rows of two runs are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Groups = NDArray[np.int64]
"""A number for each row, the same for rows that belong together."""

_LENGTH = 16


def digest(prompt: str) -> str:
    """What is the same for one prompt, in whatever case and spacing; empty for one without words."""
    words = " ".join(prompt.casefold().split())
    return _hashed(words) if words else ""


def digest_of_parts(parts: Sequence[str]) -> str:
    """What is the same for the same parts alone, to the letter."""
    return _hashed(json.dumps(parts))


def grouped(digests: Sequence[str | None]) -> Groups:
    """Rows with one prompt are a group, numbered as they come; one without, or whose prompt is not known, is its own.

    Where all have the same prompt it tells nothing apart, so each row is its own as well.
    """
    alone = range(len(digests))
    if len(set(digests)) == 1:
        return np.array(alone, dtype=np.int64)
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(d or n, len(numbers)) for n, d in zip(alone, digests, strict=True)], np.int64)


def answered(digests: Sequence[str | None]) -> int:
    """How many prompts rows answer; one without, or whose prompt is not known, has one of its own."""
    return len({digest or place for place, digest in enumerate(digests)})


def together(groups: Groups) -> bool:
    """Whether any group has more than one row."""
    return len(np.unique(groups)) < len(groups)


def _hashed(text: str) -> str:
    # Data may hold lone surrogates.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]

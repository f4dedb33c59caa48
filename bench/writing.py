"""Requests for a piece of writing, where small models break a house's style most: blanks to fill in, exclamation marks.

Those to build from and those to measure with share neither kind nor subject.

python -m bench.writing > writing.txt     those to build from, a line each
"""

from __future__ import annotations

import random
from collections.abc import Sequence

_BUILD_KINDS = (
    "Write an invitation to {}.", "Write an e-mail to a colleague about {}.", "Write a cheerful post about {}.",
    "Write a thank-you card for {}.", "Draft a short announcement of {}.", "Write a slogan for {}.",
    "Write a letter to the council about {}.", "Write a product description of {}.", "Wish a friend well with {}.",
    "Write a reminder about {}.", "Write a short speech about {}.", "Write a text message that cancels {}.",
    "Reply to a customer who complains about {}.", "Write a review of {}.",
)  # fmt: skip
_BUILD_SUBJECTS = (
    "a garden party", "the new coffee machine", "a lost bicycle", "the summer fair", "a piano lesson",
    "the flat on the third floor", "a delayed delivery", "the school play", "a hiking trip",
    "the bakery's anniversary", "a broken heater", "a book club", "the football match", "a cooking class",
)  # fmt: skip
_TEST_KINDS = (
    "Write a note to the neighbours about {}.", "Write an advertisement for {}.", "Write an apology for {}.",
    "Congratulate somebody on {}.", "Write a short newsletter item on {}.", "Ask your manager in an e-mail for {}.",
)  # fmt: skip
_TEST_SUBJECTS = (
    "a street concert", "a late invoice", "the repaired lift", "a day off", "a second-hand piano",
    "the spring market", "a chess tournament", "a moving van",
)  # fmt: skip


def building() -> list[str]:
    return _each(_BUILD_KINDS, _BUILD_SUBJECTS, seed=1)


def measuring() -> list[str]:
    return _each(_TEST_KINDS, _TEST_SUBJECTS, seed=2)


def _each(kinds: Sequence[str], subjects: Sequence[str], *, seed: int) -> list[str]:
    """Every kind on every subject, in random order."""
    found = [kind.format(subject) for kind in kinds for subject in subjects]
    random.Random(seed).shuffle(found)
    return found


if __name__ == "__main__":
    print("\n".join(building()))

"""Words before a number that say what it is: nine digits after "social security" are surer than nine digits.

Presidio does this over the lemmas of a loaded spaCy model, walking every token for every hit. Here the recognisers' own
words are looked for, whole, in the characters before the hit: no model, phrases of several words count too,
and the cost stays linear in the text.
"""

from __future__ import annotations

import re
from functools import lru_cache

REACH = 60
"""Characters before a hit that are looked at."""
BOOST, AT_LEAST = 0.35, 0.4
"""What a word adds to a score, and the least that comes of it: Presidio's defaults."""
NOISE = 0.05
"""Scores below this are patterns that match any word of a length; a word before them makes them no surer."""


@lru_cache(maxsize=256)
def words_pattern(words: frozenset[str]) -> re.Pattern[str] | None:
    """One expression for any of these words or phrases, whole, in any case, with or without a plural s."""
    phrases = sorted({re.escape(word.strip(" #").lower()) for word in words} - {""}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})s?(?!\w)", re.IGNORECASE) if phrases else None


def boosted(score: float, text: str, start: int, words: re.Pattern[str] | None) -> float:
    """The score of a hit at `start`, raised if one of the words stands before it."""
    if words is None or score < NOISE or not words.search(text[max(0, start - REACH) : start]):
        return score
    return min(1.0, max(AT_LEAST, score + BOOST))

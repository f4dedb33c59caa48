"""Rules on what a text mentions, labelled by its words: cheap, and of as many kinds as there are words.

Half of them are broken, whatever else is wrong with the text, so that neither harm nor its absence betrays the answer
and the statement has to be read.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from bench.training.material import data
from bench.training.row import Row

SHARE = 0.4
"""Of the rows, how many are asked about what they mention."""

_FORBIDS = (
    "The answer does not mention {}.",
    "The reply says nothing of {}.",
    "No mention of {}.",
    "Never bring up {}.",
    "{} must not be mentioned.",
    "There is no talk of {} in the answer.",
    "The assistant avoids the subject of {}.",
)
_DEMANDS = ("The answer mentions {}.", "The reply has to bring up {}.", "There must be some mention of {}.")
_OF_USERS = ("The user does not mention {}.", "The message says nothing of {}.", "No mention of {} in the request.")
_NO_SUBJECT = ("ly", "ing", "ed", "ould", "ful", "ous", "able", "n't")
_RARE = 0.004
"""A word in more than this share of texts says too little of what a text is about."""


def mentioned(rows: Sequence[Row], draw: random.Random) -> Iterator[Row]:
    """The rows, some of them with labels by two more statements: one about something in the text, one about something
    that is in another text."""
    texts = [_words(row.response or row.text) for row in rows]
    spread = Counter(word for words in texts for word in words)
    telling = [sorted(word for word in words if 2 <= spread[word] <= max(2, _RARE * len(rows))) for words in texts]
    pool = sorted({word for words in telling for word in words})
    for row, words in zip(rows, telling, strict=True):
        shown = row.response or row.text
        there = _kinds(shown)
        if draw.random() >= SHARE or not (words or there):
            yield row
            continue
        absent = [kind for kind in data_of_kinds() if kind not in there]
        by_kind = bool(there) and draw.random() < 0.6
        present = draw.choice(sorted(there)) if by_kind or not words else draw.choice(words)
        missing = draw.choice(absent) if draw.random() < 0.5 else draw.choice(pool)
        labels = {**row.labels, **_asked(present, True, row, draw)}
        if missing.lower() not in shown.lower():
            labels |= _asked(missing, False, row, draw)
        items = list(labels.items())
        draw.shuffle(items)
        yield replace(row, labels=dict(items))


def _asked(what: str, there: bool, row: Row, draw: random.Random) -> Mapping[str, int]:
    if not row.response:
        return {draw.choice(_OF_USERS).format(what): int(there)}
    if draw.random() < 0.2:
        return {draw.choice(_DEMANDS).format(what): int(not there)}
    statement = draw.choice(_FORBIDS).format(what)
    return {statement[0].upper() + statement[1:]: int(there)}


def _words(text: str) -> frozenset[str]:
    """Words that may be a subject: no adverbs, few verbs, nothing out of a link."""
    found = re.findall(r"(?<![\w/.@#])[a-z]{5,}(?![\w/@])", text)
    return frozenset(word for word in found if not word.endswith(_NO_SUBJECT))


@lru_cache(maxsize=1)
def data_of_kinds() -> Mapping[str, re.Pattern[str]]:
    """The kinds of things in subjects.yaml, and what finds one of each."""
    return {
        kind: re.compile(r"\b(" + "|".join(map(re.escape, words)) + r")s?\b", re.IGNORECASE)
        for kind, words in data("subjects").items()
    }


def _kinds(text: str) -> frozenset[str]:
    return frozenset(kind for kind, pattern in data_of_kinds().items() if pattern.search(text))

"""Whether a text might do what a mark is about, although it was written for another: a label that may be wrong is not
given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from bench.training.material import SLOTS, Mark, data, marks

_FORMS = {
    "bullets": r"^\s*[-*•]",
    "must-list": r"^\s*([-*•]|\d+\.)",
    "steps": r"\b(first|then|step)\b|^\s*\d",
    "question-mark": r"\?",
    "follow-up-question": r"\?",
    "repeats-question": r"\?",
    "ends-question": r"\?",
    "exclamation": "!",
    "capitals": r"\b[A-Z]{2,}\b",
    "emoji": r"[^\x00-\u2fff]",
    "url": r"\w\.(com|org|net)|://|www",
    "code": r"[`{}<>]|\w\(",
    "parenthesis": r"[()]",
    "quotes": r"[\"“”]",
    "signoff": r"regards|sincerely|cheers|yours|\n\n",
    "rhyme": r"\n",
    "abbreviation": r"\b(\w\.){2}|\betc\b|\b[A-Z]{2,}\b|\b(Mr|Ms|Dr)\b",
    "time-of-day": r"\d|o'clock|\b(noon|midnight|morning|evening)\b",
    "price-no-currency": r"\d",
    "date-no-year": r"\d",
    "statistic": r"\d|percent|\b(half|third|quarter)\b",
    "money": r"[$€£]|\b(pay|paid|price|costs?|cheap|dollars?|euros?|sale|refund|discount|voucher|bill)\b",
    "certainty": r"\b(sure|certain|definitely|guarantee\w*|doubt|promise)\b",
    "absolutes": r"\b(all|always|never|every\w*|nobody|nothing|none|no one)\b",
    "superlative": r"\b(\w+est|most|least)\b",
    "source": r"\b(according|study|report|says?|said|states?)\b|\d{4}|://",
    "names-source": r"\b(according|study|report|says?|said|states?)\b|\d{4}|://",
    "unit": r"\d|\{number\}",
    "dosage": r"\d|\{number\}",
    "age": r"\d|\{number\}",
    "cities": "|".join(SLOTS["city"]),
    "people": r"(?<![.!?\n] )(?<!^)\b[A-Z][a-z]+\b",
    "uses-name": r"(?<![.!?\n] )(?<!^)\b[A-Z][a-z]+\b",
    "animals": "|".join(rf"\b{animal}" for animal in SLOTS["animal"]),
    "months": "|".join(SLOTS["month"]),
}
"""What betrays a form to the eye, generously: a label too few costs less than a wrong one. More are in forms.yaml."""

_NEIGHBOURS = (
    {"price-stays", "scarcity", "urge-buy"},
    {"gives-code", "free-shipping", "waive-fee", "discount"},
    {"upsell", "dissuades-leaving"},
    {"cure-claim", "weight-loss"},
    {"job-promise", "permit-outcome", "court-outcome", "what-if-history", "promises-fix", "future-feature",
     "predict-future", "speculation"},
    {"opening-hours", "time-of-day", "clock-24h", "must-opening-hours"},
    {"comments-looks", "flattery"},
    {"spreads-rumour", "anonymous-source", "gossip"},
    {"claims-cause", "says-proven"},
    {"asks-rating", "asks-review", "must-invites-feedback"},
    {"blames-others", "blames-carrier"},
    {"must-empathy", "pity"},
    {"must-apologise-first", "apology", "must-admits-error", "admits-fault"},
    {"must-discloses-machine", "admits-machine", "claims-human"},
    {"must-title-line", "heading"},
    {"must-comparison", "compares", "must-analogy", "metaphor"},
    {"must-explains-term", "definition"},
    {"must-asks-detail", "follow-up-question", "must-asks-before-acting"},
    {"must-opinion-marked", "opinion"},
    {"must-quote-author", "quotes"},
)  # fmt: skip
"""Marks of which one may do what another is about, whatever the words."""

_COMMON = 6
"""A word that stands in the passages of more marks than this is no sign of any of them."""


def may_do(text: str, mark: Mark) -> bool:
    """By its form, or by a telling word that it shares with a passage that does it."""
    pattern = _forms().get(mark.id)
    if pattern and re.search(pattern, text, re.IGNORECASE if pattern.islower() else re.NOFLAG):
        return True
    return not _telling().get(mark.id, frozenset()).isdisjoint(_words(text))


def neighbours(one: Mark, other: Mark) -> bool:
    """Whether a passage of the one may do what the other is about."""
    return any({one.id, other.id} <= alike for alike in _NEIGHBOURS)


@lru_cache(maxsize=1)
def _forms() -> Mapping[str, str]:
    return {**data("forms"), **_FORMS}


@lru_cache(maxsize=1)
def _telling() -> dict[str, frozenset[str]]:
    said = {mark.id: _words(" ".join(mark.marked)) for mark in marks()}
    spread: dict[str, int] = {}
    for words in said.values():
        for word in words:
            spread[word] = spread.get(word, 0) + 1
    return {id: frozenset(word for word in words if spread[word] <= _COMMON) for id, words in said.items()}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{4,}", re.sub(r"\{\w+\}", " ", text.lower())))

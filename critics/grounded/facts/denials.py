"""What a sentence denies: the words behind each *not* and its like."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

from critics.grounded.facts.words import WORD, says_little, stem

_DENYING = re.compile(
    r"\b(?:not(?! only)|never|no(?! doubt|\.)|none|nobody|nothing|nowhere|neither|nor|cannot|without)\b|n['’]t\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:.()]|\b(?:but|although|however|because)\b", re.IGNORECASE)
_REACH = 4

Denied = frozenset[str]


def denials(sentence: str) -> tuple[Denied, ...]:
    """For each denying word the stems of the first words behind it that say something, up to the end of the clause."""
    found = []
    for denying in _DENYING.finditer(sentence):
        end = _CLAUSE_END.search(sentence, denying.end())
        words = WORD.finditer(sentence, denying.end(), end.start() if end else len(sentence))
        stems = (stem(word[0]) for word in words if not says_little(word[0]))
        if reached := frozenset(islice(stems, _REACH)):
            found.append(reached)
    return tuple(dict.fromkeys(found))


def denied_on_one_side(denied: Collection[Denied], words: Collection[str], others: Collection[Denied]) -> bool:
    """Whether most of what one sentence denies is said in the other, by its `words`, and not denied there."""
    elsewhere = frozenset().union(*others)
    return any(2 * len((each & frozenset(words)) - elsewhere) > len(each) for each in denied)

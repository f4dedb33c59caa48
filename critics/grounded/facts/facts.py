"""What of a sentence can be compared exactly, which embeddings are blind to: numbers, names, denials."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from critics.grounded.facts.denials import Denied, denials, denied_on_one_side
from critics.grounded.facts.names import Opening, Vocabulary, names, opening
from critics.grounded.facts.numbers import Number, numbers
from critics.grounded.facts.words import WORD, plain, says_little, stem


@dataclass(frozen=True)
class Facts:
    """The numbers, names and denials of a sentence, its words, to look names up, and the stems of those that say
    something."""

    numbers: tuple[Number, ...]
    names: tuple[str, ...]
    opening: Opening
    denials: tuple[Denied, ...]
    words: frozenset[str]
    vocabulary: Vocabulary
    stems: frozenset[str]

    def lacks(self, name: str) -> bool:
        return name not in self.vocabulary


class Clash(NamedTuple):
    """What a claim says, and what a passage says in its place; both empty where one denies what the other says."""

    claimed: str = ""
    stated: str = ""


def facts(sentence: str) -> Facts:
    words = frozenset(plain(found[0]) for found in WORD.finditer(sentence))
    return Facts(
        numbers=numbers(sentence),
        names=names(sentence),
        opening=opening(sentence),
        denials=denials(sentence),
        words=words,
        vocabulary=Vocabulary(words),
        stems=frozenset(stem(word) for word in words if not says_little(word)),
    )


def clash(claim: Facts, passage: Facts, unknown: Collection[str]) -> Clash | None:
    """Where a passage says otherwise than a claim. `unknown` are the claim's names, and its first word, where the whole
    source lacks them."""
    for number in claim.numbers:
        rivals = [n for n in passage.numbers if n.is_like(number) and not n.stands_among(claim.numbers)]
        if rivals and not number.stands_among(passage.numbers):
            return Clash(number.shown, rivals[0].shown)
    names = [name for name in claim.names if name in unknown]
    if names and (others := _others(claim, passage)):
        return Clash(" ".join(names), " ".join(others))
    if claim.opening.name in unknown and _begins_alike(claim, passage):
        return Clash(claim.opening.name, passage.opening.name)
    if denied_on_one_side(claim.denials, passage.stems, passage.denials):
        return Clash()
    if denied_on_one_side(passage.denials, claim.stems, claim.denials):
        return Clash()
    return None


def names_others(claim: Facts, passage: Facts) -> bool:
    """Whether a passage has other names in place of some of a claim's: it may be about something else."""
    return any(map(passage.lacks, claim.names)) and bool(_others(claim, passage))


def _begins_alike(claim: Facts, passage: Facts) -> bool:
    """With the same word after another name: `Bach wrote`, `Mozart wrote`."""
    first, second = claim.opening, passage.opening
    return first.then == second.then and bool(second.name) and claim.lacks(second.name)


def _others(claim: Facts, passage: Facts) -> list[str]:
    return [name for name in passage.names if claim.lacks(name)]


def shared(claim: Facts, passage: Facts) -> float:
    """The share of a claim's words that stand in a passage, by their stems."""
    return len(claim.stems & passage.stems) / max(1, len(claim.stems))

"""What the passages near a claim say to it, weighed into a probability that it is not borne out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from critics.grounded.facts.facts import Clash, Facts, names_others
from critics.grounded.passages import Passage

SHARPNESS = 10.0
"""How fast nearness becomes support, as for `semantic`: 0.1 above the least similarity is 0.73, 0.2 above it 0.88."""

LEFT_BY_CLASH = 0.1
"""Of the support of a near passage, where it says otherwise."""

LEFT_WITHOUT_DETAIL = 0.25
"""Of the support of near passages, where a number or a name of the claim stands in none of the sources."""


CLEAR = 0.15
"""How much nearer than just near a passage is that is always heard, however much nearer another one is: drafts repeat
one source word for word, and the better source says the contrary in words of its own."""

MARGIN = 0.1
"""How much further than the nearest passage one may lie and be heard. The others speak of another thing."""


@dataclass(frozen=True)
class Heard:
    """A passage, how near it is to the claim, how high its source stands, and where it says otherwise."""

    passage: Passage
    nearness: float
    standing: float
    clash: Clash | None


@dataclass(frozen=True)
class Opinion:
    """The probability that a claim is not borne out, and why: what is `missing` from all sources, else the passage that
    decided, which says otherwise if it has a clash, and is too far away where it is not `near`."""

    probability: float
    decided: Heard
    near: bool = True
    missing: str = ""


def opinion(claim: Facts, heard: Sequence[Heard], nowhere: Sequence[str], *, least: float) -> Opinion:
    """Weigh at least one passage. `nowhere` are names of the claim in no source, `least` the nearness that is near.

    Where passages disagree, that of the source which stands highest decides; as high, one that has a number of the
    claim; else the nearest.
    """
    near = [each for each in heard if each.nearness >= least]
    if not near:
        nearest = max(heard, key=_nearness)
        return Opinion(1 - _support(nearest, least), nearest, near=False)
    relevant = _relevant(claim, near)
    stated = [number for each in heard if not each.clash for number in each.passage.facts.numbers]
    absent = [number.shown for number in claim.numbers if number.in_digits and not number.stands_among(stated)]
    decided = _deciding(claim, relevant, least, borne_out=not absent)
    if decided.clash:
        return Opinion(1 - _support(decided, least) * LEFT_BY_CLASH, decided)
    if missing := ", ".join([*absent, *nowhere]):
        return Opinion(1 - _support(decided, least) * LEFT_WITHOUT_DETAIL, decided, missing=missing)
    return Opinion(1 - _support(decided, least), decided)


def _relevant(claim: Facts, near: Sequence[Heard]) -> list[Heard]:
    """Where a passage with all the claim's names says otherwise, those with other names instead are left out: what they
    say may be true of something else."""
    disputed = any(each.clash and not any(map(each.passage.facts.lacks, claim.names)) for each in near)
    return [each for each in near if not (disputed and names_others(claim, each.passage.facts))]


def _deciding(claim: Facts, relevant: Sequence[Heard], least: float, *, borne_out: bool) -> Heard:
    """Of the passages that are heard: one that clashes, if it outweighs what bears the claim out."""
    bar = min(max(map(_nearness, relevant)) - MARGIN, least + CLEAR)
    speaking = [each for each in relevant if each.nearness >= bar]
    against = [each for each in speaking if each.clash]
    agreeing = [each for each in speaking if not each.clash]
    telling = [each for each in agreeing if not claim.numbers or _has_number(claim, each)]
    if not against:
        return max(telling or agreeing, key=_nearness)
    rivals = [*against, *telling] if borne_out else against
    return max(rivals, key=lambda each: (each.standing, not each.clash and _has_number(claim, each), each.nearness))


def _has_number(claim: Facts, heard: Heard) -> bool:
    return any(number.stands_among(heard.passage.facts.numbers) for number in claim.numbers)


def _nearness(heard: Heard) -> float:
    return heard.nearness


def _support(heard: Heard, least: float) -> float:
    return 1 / (1 + math.exp(-SHARPNESS * (heard.nearness - least)))

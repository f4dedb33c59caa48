"""From a guard's answer to a probability for a rule, in code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from critics.errors import Unreadable
from critics.guard.families import GuardFamily
from critics.guard.model import GuardAnswer
from critics.manifesto.schema import Guard, Rule, Side

MIN_MASS = 0.02
"""Less probability than this on all the verdict's words together, and the model was not giving its verdict there."""


@dataclass(frozen=True)
class Opinion:
    """What an answer comes to: the share of each verdict's word, the written word, the codes; or why there is none."""

    shares: Mapping[str, float] = field(default_factory=dict)
    word: str = ""
    codes: tuple[str, ...] = ()
    doubt: str = ""


def opinion(family: GuardFamily, answer: GuardAnswer, side: Side) -> Opinion:
    """Read an answer. The probabilities in the verdict's place count where they are at hand, else the written word."""
    shares = _shares(answer.mass, family.words)
    if not answer.text:
        return Opinion(shares) if shares and family.first else Opinion(doubt="the guard model gave no verdict")
    if not (answer.whole or family.trails):
        return Opinion(doubt="the guard model's answer was cut short")
    try:
        said = family.read(answer.text, side)
    except Unreadable as exc:
        return Opinion(doubt=str(exc))
    if said.word != family.words[0] and not all(map(math.isfinite, (answer.mass or {}).values())):
        return Opinion(doubt=f"the guard model wrote {said.word!r}, with a probability that is no number")
    if shares and shares.get(said.word, 0.0) < max(shares.values()):
        return Opinion(doubt=f"the guard model wrote {said.word!r}, and another verdict was more probable")
    return Opinion(shares or {said.word: 1.0}, said.word, said.codes)


def probability(family: GuardFamily, rule: Rule, told: Opinion) -> tuple[float | None, str]:
    """Of a breach of the rule, and what there is to say about it.

    A verdict of *safe* gives every rule its low probability. After *unsafe*, rules whose codes were named get the
    probability, others what is left; where no code was named, or one that nobody knows, a rule that is about some
    codes and not all is undecided.
    """
    if told.doubt:
        return None, told.doubt
    unsafe, _, *between = family.words
    options = rule.guard or Guard()
    counted = (unsafe, *between) if options.controversial else (unsafe,)
    chance = min(1.0, sum(told.shares.get(word, 0.0) for word in counted))
    if family.one_by_one:
        return chance, ""
    named = ", ".join(told.codes)
    said = f"{told.word}: {named}" if named else told.word
    if told.word not in counted:
        return chance, said
    mapped = known(family, options.codes)
    if mapped >= set(family.codes):
        return chance, said
    meant = [family.known(code) for code in told.codes]
    if mapped.intersection(filter(None, meant)):
        return chance, said
    if not meant or None in meant:
        return None, f"the guard model says {said}, which does not tell whether it means this rule"
    return min(chance, 1 - chance), said


def known(family: GuardFamily, codes: Sequence[str]) -> set[str]:
    """The rule's codes as the family writes them; all there are where the rule names none."""
    return {code for given in codes if (code := family.known(given))} if codes else set(family.codes)


def _shares(mass: Mapping[str, float] | None, words: Sequence[str]) -> dict[str, float]:
    given = {word: (mass or {}).get(word, 0.0) for word in words}
    total = sum(given.values())
    # NaN compares false, so that it counts as no probability either
    return {word: part / total for word, part in given.items()} if total >= MIN_MASS else {}

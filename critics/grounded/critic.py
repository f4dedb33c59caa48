"""The critic itself: each claim of the draft against the passages of the sources, the worst claim counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from critics.exchange import Exchange
from critics.finding import Finding, Span, undecided
from critics.grounded.claims import bare, claims, unwrapped
from critics.grounded.facts.facts import Facts, clash, facts, shared
from critics.grounded.passages import Library, cut
from critics.grounded.provenance import standings
from critics.grounded.weighing import Heard, Opinion, opinion
from critics.grounded.wording import reason
from critics.manifesto.schema import Grounded, Rule
from critics.semantic.embedder import Embedder, Vectors, embedded
from critics.text.normalise import Normalised, normalise

NAME = "grounded"

MAX_CHARACTERS = 1_000_000
"""Of the draft and all sources together."""

MAX_CLAIMS = 200
MAX_PASSAGES = 2000
"""Sentences that one call embeds at most, so that a hostile text cannot hold the process up for minutes. A text beyond
these is undecided: a part that was left out would be a part that nobody judged."""

NEAREST = 32
"""Passages that a claim is compared with in detail, and those that lie as near as the last of them."""

WORDS = 0.3
"""How much of nearness is the share of the claim's words in the passage; the rest is their similarity."""

WORST = 3
"""Claims that a critique lists at most."""


class GroundedCritic:
    """Judges a draft by the exchange's sources: every claim must be borne out by one, and none may contradict it.

    A draft that claims nothing keeps the rule. One that claims something is undecided without sources, and beyond the
    bounds above. The finding of a broken rule has the span of the worst claim. Raises what the embedder raises.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        if exchange.draft is None:
            return _undecided(rules, "there is no draft to check")
        if len(exchange.draft) + sum(len(source.text) for source in exchange.sources) > MAX_CHARACTERS:
            return _undecided(rules, f"draft and sources have more than {MAX_CHARACTERS:,} characters")
        text = normalise(exchange.draft)
        spans = claims(text.text)
        if not spans:
            return [Finding(rule.id, NAME, 0.0) for rule in rules]
        passages = cut(exchange.sources)
        if not passages:
            return _undecided(rules, "there are no sources to check the draft against")
        if len(spans) > MAX_CLAIMS or len(passages) > MAX_PASSAGES:
            counted = f"{len(spans)} claims and {len(passages)} passages of sources"
            return _undecided(rules, f"{counted} are more than can be checked: {MAX_CLAIMS} and {MAX_PASSAGES}")
        return self._findings(rules, text, spans, Library(exchange.sources, passages))

    def _findings(
        self, rules: Sequence[Rule], text: Normalised, spans: Sequence[Span], library: Library
    ) -> list[Finding]:
        draft = unwrapped(text.text)
        said = [bare(draft[slice(*span)]) for span in spans]
        similarities = self._similarities(said, [passage.text for passage in library.passages])
        known = [facts(each) for each in said]
        found = []
        for rule in rules:
            opinions = _opinions(known, similarities, library, rule.grounded or Grounded())
            found.append(_finding(rule, said, opinions, [text.span(*span) for span in spans], library))
        return found

    def _similarities(self, said: Sequence[str], passages: Sequence[str]) -> Vectors:
        """Of each claim to each passage: all are embedded in one call, and each text once."""
        places = {each: index for index, each in enumerate(dict.fromkeys([*said, *passages]))}
        vectors = embedded(self._embedder, list(places))
        rows, columns = ([places[each] for each in texts] for texts in (said, passages))
        cosines: Vectors = np.clip(vectors[rows] @ vectors[columns].T, -1, 1)
        return cosines


def _opinions(known: Sequence[Facts], similarities: Vectors, library: Library, options: Grounded) -> list[Opinion]:
    standing = standings(library.sources, options)
    least = options.min_similarity
    return [
        opinion(claim, _heard(claim, row, standing, library), library.nowhere(claim.names), least=least)
        for claim, row in zip(known, similarities.tolist(), strict=True)
    ]


def _heard(claim: Facts, similarities: Sequence[float], standing: Sequence[float], library: Library) -> list[Heard]:
    """The passages most alike to a claim, and how near they are: by similarity and, for a part, by shared words."""
    bar = sorted(similarities, reverse=True)[:NEAREST][-1]
    asked = [*claim.names, claim.opening.name] if claim.opening.name else claim.names
    heard = []
    for passage, similarity in zip(library.passages, similarities, strict=True):
        if similarity >= bar:
            nearness = (1 - WORDS) * similarity + WORDS * shared(claim, passage.facts)
            said = clash(claim, passage.facts, library.unknown(asked, passage.source))
            heard.append(Heard(passage, nearness, standing[passage.source], said))
    return heard


def _finding(
    rule: Rule, said: Sequence[str], opinions: Sequence[Opinion], spans: Sequence[Span], library: Library
) -> Finding:
    worst = sorted(range(len(said)), key=lambda index: -opinions[index].probability)
    probability = opinions[worst[0]].probability
    if probability < rule.threshold:
        return Finding(rule.id, NAME, probability)
    broken = (index for index in worst if opinions[index].probability >= rule.threshold)
    reasons = dict.fromkeys(
        reason(said[index], opinions[index], library.sources[opinions[index].decided.passage.source])
        for index in broken
    )
    why = "; ".join([*reasons][:WORST])
    return Finding(rule.id, NAME, probability, why, (spans[worst[0]],))


def _undecided(rules: Sequence[Rule], why: str) -> list[Finding]:
    return [undecided(rule, NAME, why) for rule in rules]

"""The critic itself: parts of the text among the examples of each rule, the worst part counts."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from critics.errors import ModelError
from critics.exchange import Exchange
from critics.finding import Finding, Span, undecided
from critics.manifesto.schema import Example, Rule, Semantic
from critics.patterns.quote import quoted
from critics.semantic.embedder import Embedder, Vectors, embedded
from critics.semantic.neighbours import Neighbours
from critics.semantic.parts import parts
from critics.text.normalise import Normalised, normalise
from critics.text.sentences import sentences

NAME = "semantic"


class SemanticCritic:
    """Judges by nearness to a rule's labelled examples, which are embedded once and kept.

    A part of the text that no example is near leaves the rule undecided, unless another part breaks it. The finding of
    a broken rule has the span of the worst sentence. Raises what the embedder raises.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[Example, ...], Neighbours] = {}
        self._lock = Lock()

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        text = normalise(exchange.judged)
        spans = parts(text.text)
        vectors = self._embedded(text.text, spans)
        return [self._finding(rule, text, spans, vectors) for rule in rules]

    def _finding(self, rule: Rule, text: Normalised, spans: Sequence[Span], vectors: Vectors) -> Finding:
        options = rule.semantic or Semantic()
        neighbours = self._neighbours(rule.examples)
        if neighbours is None:
            return undecided(
                rule, NAME, "it needs examples of both kinds: some that break the rule and some that keep it"
            )
        likeness = neighbours(vectors, count=options.neighbours)
        strange = likeness.nearest < options.min_similarity
        probabilities = np.where(strange, -1.0, likeness.probability)
        worst = int(probabilities.argmax())
        probability = float(probabilities[worst])
        if probability >= rule.threshold:
            example = neighbours.words[likeness.breaking[worst]]
            span, example = self._place(neighbours, options, text.text, spans[worst]) or (spans[worst], example)
            why = f"it is close to the example {quoted(example)}"
            return Finding(rule.id, NAME, probability, why, (text.span(*span),), in_part=bool(strange.any()))
        if strange.any():
            furthest = spans[int(likeness.nearest.argmin())]
            return undecided(rule, NAME, f"no example is close to {quoted(text.text[slice(*furthest)])}")
        return Finding(rule.id, NAME, probability)

    def _place(self, neighbours: Neighbours, options: Semantic, text: str, part: Span) -> tuple[Span, str] | None:
        """The worst sentence of a part, and the breaking example nearest to it, where the sentences can be embedded."""
        inside = [Span(part.start + s.start, part.start + s.end) for s in sentences(text[slice(*part)])]
        if len(inside) < 2:
            return None
        try:
            likeness = neighbours(self._embedded(text, inside), count=options.neighbours)
        except ModelError:
            return None  # the verdict stands without its place
        worst = int(likeness.probability.argmax())
        return inside[worst], neighbours.words[likeness.breaking[worst]]

    def _neighbours(self, examples: tuple[Example, ...]) -> Neighbours | None:
        """The examples embedded, or `None` where there are not both kinds."""
        with self._lock:
            if examples not in self._known and {example.breaks for example in examples} == {True, False}:
                breaking, keeping = ([e.text for e in examples if e.breaks is kind] for kind in (True, False))
                words, vectors = self._cut(breaking)
                self._known[examples] = Neighbours(words, vectors, self._cut(keeping)[1])
            return self._known.get(examples)

    def _cut(self, examples: Sequence[str]) -> tuple[tuple[str, ...], Vectors]:
        """The parts of examples, in words and embedded: a long one stands for itself with each of its parts."""
        words = [
            text[slice(*span)] for text in (normalise(example).text for example in examples) for span in parts(text)
        ]
        return tuple(words), embedded(self._embedder, words)

    def _embedded(self, text: str, spans: Sequence[Span]) -> Vectors:
        return embedded(self._embedder, [text[slice(*span)] for span in spans])

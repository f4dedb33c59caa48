"""The sources of an exchange in sentences, each with what can be compared exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from critics.exchange import Source
from critics.grounded.claims import bare, pieces, unwrapped
from critics.grounded.facts.facts import Facts, facts
from critics.grounded.facts.names import Opening, Vocabulary
from critics.grounded.facts.words import plain
from critics.text.normalise import normalise


@dataclass(frozen=True)
class Passage:
    """A sentence of a source, which is given by its place among the sources, from 0."""

    text: str
    source: int
    facts: Facts


def cut(sources: Sequence[Source]) -> list[tuple[int, str]]:
    """The sentences of sources, normalised, each with the place of its source."""
    found = []
    for index, source in enumerate(sources):
        text = unwrapped(normalise(source.text).text)
        found += [(index, bare(text[slice(*span)])) for span in pieces(text)]
    return found


class Library:
    """The passages of some sources, and which names stand nowhere in them.

    That a passage's first word is a name is believed where it stands inside another sentence with a capital as well.
    """

    def __init__(self, sources: Sequence[Source], sentences: Sequence[tuple[int, str]]) -> None:
        self.sources = tuple(sources)
        known = [facts(sentence) for _, sentence in sentences]
        named = frozenset(plain(name) for each in known for name in each.names)
        self.passages = tuple(
            Passage(sentence, index, each if plain(each.opening.name) in named else replace(each, opening=Opening()))
            for (index, sentence), each in zip(sentences, known, strict=True)
        )
        words: list[set[str]] = [set() for _ in sources]
        for passage in self.passages:
            words[passage.source] |= passage.facts.words
        self._vocabularies = [Vocabulary(each) for each in words]

    def unknown(self, names: Sequence[str], source: int) -> list[str]:
        """Those of some names that stand nowhere in a source."""
        return [name for name in names if name not in self._vocabularies[source]]

    def nowhere(self, names: Sequence[str]) -> list[str]:
        """Those of some names that stand in no source."""
        return [name for name in names if not any(name in words for words in self._vocabularies)]

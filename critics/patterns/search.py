"""What must not and what must be in a text, by a rule's options: made ready once, searched raw and normalised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from critics.finding import Span
from critics.manifesto.schema import Patterns
from critics.patterns.forms import forms
from critics.patterns.quote import quoted
from critics.patterns.regex import compile_pattern, matches_empty
from critics.patterns.words import compile_words
from critics.text.normalise import Normalised, normalise
from critics.text.readings import at_home, unpointed


class Finder(Protocol):
    """Finds something in a text."""

    def spans(self, text: str) -> Iterator[Span]: ...

    def found(self, text: str) -> bool: ...


@dataclass(frozen=True)
class Search:
    """What to look for. Each requirement, of which one form is enough, comes with the words for its absence."""

    forbidden: tuple[Finder, ...]
    required: tuple[tuple[tuple[Finder, ...], str], ...]

    def offences(self, raw: str, read: Iterable[Normalised]) -> tuple[Span, ...]:
        """Where something forbidden stands, as written or in one of the ways in which the raw text may be read: in the
        raw text, merged, in order."""
        found = {span for finder in self.forbidden for span in finder.spans(raw)}
        found |= {text.span(*span) for text in read for finder in self.forbidden for span in finder.spans(text.text)}
        return merged(found)

    def absences(self, raw: str, normal: Normalised) -> Iterator[str]:
        """What is missing. A requirement may name a character that has no normal form, so the raw text counts too."""
        for finders, absence in self.required:
            if not any(finder.found(normal.text) or finder.found(raw) for finder in finders):
                yield absence


@lru_cache(maxsize=256)
def search_for(options: Patterns) -> Search:
    """Make ready what `options` ask for. Raises `PatternError`."""
    strict = options.case_sensitive
    forbidden: list[Finder] = [
        finder
        for pattern in options.forbid
        if not matches_empty(pattern)
        for finder in _patterns(pattern, strict=strict)
    ]
    if options.forbid_words:
        forbidden.append(compile_words(_forms(options.forbid_words), case_sensitive=strict))
    required: list[tuple[tuple[Finder, ...], str]] = [
        (_patterns(pattern, strict=strict), f"has nothing that matches {quoted(pattern)}")
        for pattern in options.require
    ]
    required += [
        ((compile_words(_forms((word,)), case_sensitive=strict),), f"does not say {quoted(word)}")
        for word in options.require_words
    ]
    return Search(tuple(forbidden), tuple(required))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same places in order, those that overlap or touch made one."""
    whole: list[Span] = []
    for span in sorted(spans):
        if whole and span.start <= whole[-1].end:
            whole[-1] = Span(whole[-1].start, max(whole[-1].end, span.end))
        else:
            whole.append(span)
    return tuple(whole)


def _patterns(pattern: str, *, strict: bool) -> tuple[Finder, ...]:
    return tuple(compile_pattern(form, case_sensitive=strict) for form in forms(pattern))


def _forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words as they are written, and as they may stand in a text as it is read."""
    return (*words, *(form for word in words for form in (normalise(word).text, at_home(word), unpointed(word))))

"""Options of `patterns` that parse but cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from critics.lint.placing import Complaint
from critics.manifesto.schema import Length, Patterns
from critics.patterns import PatternError, compile_pattern, forms, matches_empty, misplaced, pitfall
from critics.patterns.search import search_for
from critics.patterns.syntax import shown
from critics.patterns.words import compile_words
from critics.text.normalise import normalise

_LISTS = ("forbid_words", "require_words")
_LENGTHS = ("characters", "words", "sentences")
"""From the shortest unit to the longest: a text has no more of a later one than of those before."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CASED = re.compile(r"\\[pP]\{\^?L[ult]\}|\[:\^?(?:upper|lower):\]")


def pattern_complaints(options: Patterns) -> Iterator[Complaint]:
    """What is wrong with the options, each with its place below `patterns`."""
    for key in ("forbid", "require"):
        for index, pattern in enumerate(getattr(options, key)):
            for what in _pattern(pattern, forbid=key == "forbid", strict=options.case_sensitive):
                yield (key, index), what
    for key in _LISTS:
        for index, word in enumerate(getattr(options, key)):
            if not word.split():
                yield (key, index), "there is nothing in it to look for: leave it out"
    yield from _lengths(options)
    yield from _contradictions(options)


def mending_complaints(options: Patterns) -> Iterator[Complaint]:
    """What is wrong with how the options mend a text."""
    put = options.replace_with
    try:
        search = search_for(options)
    except PatternError:  # which is told by itself
        return
    # By itself, and as it stands in a text: at the ends of one some patterns look, and blanks some look for.
    if all(search.offences(text, (normalise(text),)) for text in (put, f"a {put} a")):
        what = f"what is put in, {options.replace_with!r}, is forbidden itself, so that no text is ever mended"
        yield ("replace_with",), f"{what}: give another"


def _pattern(pattern: str, *, forbid: bool, strict: bool) -> Iterator[str]:
    if control := _CONTROL.search(pattern):  # "\\bfoo" in double quotes, in which YAML reads a backspace
        what = f"`{shown(pattern)}` asks for the control character {control[0]!r}"
        yield f"{what}; put single quotes around it, in which a backslash stands for itself"
        return
    try:
        for form in forms(pattern):
            compile_pattern(form, case_sensitive=True)
    except PatternError as exc:
        yield str(exc)
        return
    if matches_empty(pattern):
        yield "matches the empty text, so it " + ("finds nothing to forbid" if forbid else "is always there")
    if not strict and "(?-" not in pattern and (cased := _CASED.search(pattern)):
        yield f"`{cased[0]}` does not tell capitals from small letters here: give `case_sensitive: true` beside it"
    yield from filter(None, (misplaced(pattern), pitfall(pattern)))


def _lengths(options: Patterns) -> Iterator[Complaint]:
    for key in _LENGTHS:
        if what := _length(getattr(options, key)):
            yield (key,), what
    for shorter, longer in combinations(_LENGTHS, 2):
        most, least = getattr(options, shorter), getattr(options, longer)
        if most and least and most.at_most is not None and (least.at_least or 0) > most.at_most:
            yield (longer,), f"no draft has {least.at_least} {longer} in at most {most.at_most} {shorter}"


def _length(length: Length | None) -> str | None:
    if length is None:
        return None
    if length.at_least is None and length.at_most is None:
        return "says neither `at_least` nor `at_most`"
    if length.at_least is not None and length.at_most is not None and length.at_least > length.at_most:
        return f"no draft can have at least {length.at_least} and at most {length.at_most}"
    if length.at_most == 0:
        return "only an empty draft has none, and an empty draft is never released"
    return None


def _contradictions(options: Patterns) -> Iterator[Complaint]:
    """What is required and forbidden at once."""
    forbidden = compile_words(options.forbid_words, case_sensitive=options.case_sensitive)
    for index, word in enumerate(options.require_words):
        if forbidden.found(word):
            yield ("require_words", index), f"no draft can say it: {word!r} is, or holds, one of `forbid_words`"
    for index, pattern in enumerate(options.require):
        if pattern in options.forbid:
            yield ("require", index), "no draft can have it: the same pattern stands in `forbid`"

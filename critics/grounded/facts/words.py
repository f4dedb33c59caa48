"""English words as they are compared: in small letters, without their endings, and without those that say nothing."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")

_FUNCTION_WORDS = """
a about above after again all also although am among an and any are as at be because been before being below between
both but by can could did do does doing down during each either even every everybody everyone everything few first
for from further had has have having he hence her here hers him his how however i if in into is it its itself just
last many may me might more moreover most much must my neither never next no nobody none nor not nothing now nowhere
of off often on once one only or other our out over own per perhaps please same several shall she should since so
some someone something still such than that the their them then there therefore these they this those though through
thus to today too under until up upon us very was we well were what when where whether which while who whom whose
why will with within without would yes yet you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
_CONTRACTION = re.compile("(?:n['\u2019]t|['\u2019][^\\W\\d_]+)$")
_ENDING = re.compile("(?<=[^\\W\\d_]{3})(?:ies|ied|ing|ed|es|s|e|y)$")
_POSSESSIVE = re.compile("['\u2019]s?$")


def plain(word: str) -> str:
    """A word in small letters, without the ending of a possessive."""
    return _POSSESSIVE.sub("", word).casefold()


def stem(word: str) -> str:
    """What a word has in common with its plural and its regular forms, roughly."""
    return _ENDING.sub("", plain(word))


def says_little(word: str) -> bool:
    """Whether it is a function word, or a contraction of one, such as *it's* and *don't*."""
    small = plain(word)
    return small in FUNCTION_WORDS or _CONTRACTION.sub("", small) in FUNCTION_WORDS

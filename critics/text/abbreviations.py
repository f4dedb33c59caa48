"""Abbreviations that are written with a dot, by what the dot means for the end of a sentence."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEVER_LAST = _set(
    "mr mrs ms mx dr prof st rev gen col lt sgt capt hon gov sen rep pres fr messrs mme mlle "
    "e.g i.e eg ie cf viz vs resp approx ca incl excl esp z.b d.h u.a bzw vgl hr frau sog ggf p.ej"
)
"""Something always follows: titles, and words that introduce."""

BEFORE_NUMBER = _set(
    "no nos nr fig figs eq eqs sec sect ch chap vol vols p pp art para tab app "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""The sentence goes on only where a number follows."""

MAY_BE_LAST = _set(
    "etc al inc ltd co corp plc llc bros jr sr dept univ est ave blvd rd sq ft hrs min max usw u.s.w ff ed eds"
)
"""The sentence goes on unless a capital follows."""

OPENERS = _set(
    "the a an this that these those it he she we they you i there here his her its our their my your what when where "
    "who why how if in on at for from with after before as but and so or yet then however although while because since "
    "also finally moreover der die das ein eine er sie es wir ich le la les il elle un une el los las"
)
"""Words that, capitalised after initials such as `U.S.`, begin a sentence rather than go on with a name."""

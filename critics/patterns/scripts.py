"""Which letters a language is written in, by its ISO 639-1 code."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_WRITTEN_IN = {
    "ARABIC": "ar fa ps sd ug ur ku",
    "ARMENIAN": "hy",
    "BENGALI": "as bn",
    "CJK": "zh ja ko",
    "CYRILLIC": "ba be bg bs kk ky mk mn ru sr tg tt uk uz",
    "DEVANAGARI": "hi mr ne sa",
    "ETHIOPIC": "am ti",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he yi",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "KHMER": "km",
    "LAO": "lo",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "MONGOLIAN": "mn",
    "ORIYA": "or",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAANA": "dv",
    "THAI": "th",
    "TIBETAN": "bo dz",
}
_LATIN_TOO = frozenset(("bs", "kk", "ku", "sr", "uz"))


@lru_cache(maxsize=256)
def scripts_of(language: str) -> frozenset[str]:
    """The scripts that a language is written in: Latin, unless it is known for another."""
    scripts = {script for script, languages in _WRITTEN_IN.items() if language in languages.split()}
    if not scripts or language in _LATIN_TOO:
        scripts.add("LATIN")
    return frozenset(scripts)


def letters_by_script(text: str) -> Counter[str]:
    """How many letters of each script a text holds. Letters common to many scripts are left out."""
    counts: Counter[str] = Counter()
    for char, times in Counter(text).items():
        if char.isalpha() and (script := _script(char)):
            counts[script] += times
    return counts


def foreign_share(letters: Counter[str], languages: Iterable[str]) -> float:
    """The share, 0 to 1, of letters in scripts that none of `languages` is written in; 0 where there are no letters.

    Names and loan words in Latin are common in every script, so that Latin counts as foreign only where it is alone.
    """
    own = frozenset[str]().union(*map(scripts_of, languages))
    at_home = sum(count for script, count in letters.items() if script in own)
    foreign = sum(
        count for script, count in letters.items() if script not in own and not (at_home and script == "LATIN")
    )
    return foreign / (foreign + at_home) if foreign else 0.0


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    """The first word of its name, which for letters is the script."""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "" if first in ("MODIFIER", "MATHEMATICAL", "KATAKANA-HIRAGANA", "FEMININE", "MASCULINE", "MICRO") else first

"""Numbers in a sentence, with what they count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

from critics.grounded.facts.words import says_little, stem

TOLERANCE = Decimal("0.1")
"""How far apart two numbers may lie where one is said to be rough (`about 500`), as a share of the greater one."""

_YEAR = "calendar year"
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MAGNITUDES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
    "trillion": 10**12,
}  # fmt: skip
_SPELLINGS = (
    "% percent cent", "m metre metres meter meters", "km kilometre kilometres kilometer kilometers",
    "cm centimetre centimetres centimeter centimeters", "mm millimetre millimetres millimeter millimeters",
    "mile miles mi", "foot feet ft", "inch inches", "kg kilogram kilograms kilo kilos", "g gram grams gramme grammes",
    "mg milligram milligrams", "tonne tonnes ton tons", "l litre litres liter liters",
    "ml millilitre millilitres milliliter milliliters", "km/h kph", "mph", "c celsius", "f fahrenheit",
    "second seconds", "minute minutes min", "hour hours h", "day days", "week weeks", "month months", "year years",
    "$ dollar dollars usd", "€ euro euros eur", "£ pound pounds gbp",
)  # fmt: skip
_UNITS = {spelling: line.split()[0] for line in _SPELLINGS for spelling in line.split()}
_KNOWN = frozenset(_UNITS.values())

# Digits inside a name (`B12`, `COVID-19`) and decades (`1930s`) are no numbers.
_NUMBER = re.compile(
    r"(?<![\w.,])(?<![^\W\d_]-)(?:(?P<money>[$€£])\s?)?"
    r"(?:(?P<digits>(?:\d{1,3}(?:[ ,'’]\d{3})+|\d+)(?:\.\d+)?)(?!\d|s\b)"
    rf"|(?P<word>one\b(?!\s+(?:of|another|can|may|must|should)\b)|(?:{'|'.join(_WORDS[1:])})\b))",
    re.IGNORECASE,
)
_MAGNITUDE = re.compile(rf"[\s-]?({'|'.join(_MAGNITUDES)})\b", re.IGNORECASE)
_UNIT = re.compile(r"(?:(?:st|nd|rd|th)\b)?[\s-]?(?:(?:degrees?|per)\s+|°\s?)?(%|km/h|[^\W\d_]+)", re.IGNORECASE)
_THING = re.compile(r"(?:(?:st|nd|rd|th)\b)?((?:[\s-]+[^\W\d_]+){1,3})", re.IGNORECASE)
_ROUGH = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.|roughly|nearly|almost|some|over|circa|ca\.|(?:more|less) than)\s+"
    r"|~\s?)$",
    re.IGNORECASE,
)
_LOOK_BACK = 16  # characters: the longest of the words above


@dataclass(frozen=True)
class Number:
    """A number, what it counts, and as it was written: the unit, or the next words by their stems, or nothing. Rough is
    *about 500*."""

    value: Decimal
    of: frozenset[str]
    shown: str
    rough: bool = False
    in_digits: bool = True

    def stands_among(self, others: Iterable[Number]) -> bool:
        return any(self._equals(other) for other in others)

    def is_like(self, other: Number) -> bool:
        """Whether both count the same, so that one can stand in the other's place."""
        return self.of == other.of or bool(self.of & other.of)

    def _equals(self, other: Number) -> bool:
        if self.of != other.of and self.of <= _KNOWN and other.of <= _KNOWN and self.of and other.of:
            return False  # 5 km are not 5 miles; but whether five are people or persons is a matter of words
        if self.rough or other.rough:
            return abs(self.value - other.value) <= TOLERANCE * max(self.value, other.value)
        return self.value == other.value


def numbers(sentence: str) -> tuple[Number, ...]:
    """The numbers of a sentence, in digits or in words up to twelve, in their order and each once."""
    found = (_number(sentence, each) for each in _NUMBER.finditer(sentence))
    return tuple({(each.value, each.of): each for each in found}.values())


def _number(sentence: str, found: re.Match[str]) -> Number:
    digits, end = found["digits"], found.end()
    value = Decimal(re.sub("[ ,'’]", "", digits)) if digits else Decimal(_WORDS.index(found["word"].lower()) + 1)
    if magnitude := _MAGNITUDE.match(sentence, end):
        value, end = value * _MAGNITUDES[magnitude[1].lower()], magnitude.end()
    unit = _UNIT.match(sentence, end)
    word = unit[1].lower() if unit else ""
    rough = _ROUGH.search(sentence[max(0, found.start() - _LOOK_BACK) : found.start()]) is not None
    if found["money"] or word in _UNITS:
        of = frozenset({found["money"] or _UNITS[word]})
        end = unit.end() if unit and not found["money"] else end
    elif digits and len(digits) == 4 and 1000 <= value < 2100 and not magnitude:
        of = frozenset({_YEAR})
    else:
        of = _things(sentence, end)
    return Number(value, of, sentence[found.start() : end], rough, in_digits=digits is not None)


def _things(sentence: str, end: int) -> frozenset[str]:
    """The stems of the words behind a number, up to one that says little: *11 small glaciers which*."""
    following = _THING.match(sentence, end)
    words = re.split(r"[\s-]+", following[1].strip(" -")) if following else []
    return frozenset(map(stem, takewhile(lambda word: not says_little(word), words)))

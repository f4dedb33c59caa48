"""Numbers in a sentence, with what they count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import takewhile

from critics.grounded.facts.qualifiers import qualified
from critics.grounded.facts.words import says_little, stem
from critics.text.unspaced import UNSPACED

TOLERANCE = Decimal("0.1")
"""How far apart two numbers may lie where one is said to be rough (`about 500`), as a share of the greater one."""

_YEAR = "calendar year"
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MAGNITUDES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
    "trillion": 10**12, "tn": 10**12, "m": 10**6, "b": 10**9,
}  # fmt: skip
_OF_MONEY = ("m", "b")  # of other things metres, and nothing
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
    rf"(?<![^\W{UNSPACED}])(?<![\d.,])(?<![^\W\d_]-)(?:[a-z]{{,2}}(?P<money>[$€£])\s?(?P<minus>[-−])?)?"
    r"(?:(?P<digits>\d+,\d\d?(?!,?\d)|(?:\d{1,3}(?:[ ,'’]\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?!\d|s\b)"
    rf"|(?P<word>one\b(?!\s+(?:of|another|can|may|must|should)\b)|(?:{'|'.join(_WORDS[1:])})\b))",
    re.IGNORECASE,
)
_MAGNITUDE = re.compile(rf"[\s-]?({'|'.join(_MAGNITUDES)})\b", re.IGNORECASE)
_UNIT = re.compile(r"\+?(?:(?:st|nd|rd|th)\b)?[\s-]?(?:(?:degrees?|per)\s+|°\s?)?(%|km/h|[^\W\d_]+)", re.IGNORECASE)
_THING = re.compile(r"\+?(?:(?:st|nd|rd|th)\b)?((?:[\s-]+[^\W\d_]+){1,3})", re.IGNORECASE)
_MONEY = re.compile(r"\s(?:dollars?|euros?|pounds?|usd|eur|gbp)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number, what it counts, and as it was written: the unit, or the next words by their stems, or nothing. Rough is
    *about 500*, a bound *more than 500* (1) or *less* (-1), and without a sign what something fell by."""

    value: Decimal
    of: frozenset[str]
    shown: str
    rough: bool = False
    bound: int = 0
    unsigned: bool = False
    in_digits: bool = True

    def stands_among(self, others: Iterable[Number]) -> bool:
        return any(self._equals(other) for other in others)

    def is_like(self, other: Number) -> bool:
        """Whether both count the same, so that one can stand in the other's place."""
        return self.of == other.of or bool(self.of & other.of)

    def _equals(self, other: Number) -> bool:
        if self.of != other.of and self.of <= _KNOWN and other.of <= _KNOWN and self.of and other.of:
            return False  # 5 km are not 5 miles; but whether five are people or persons is a matter of words
        if self.unsigned or other.unsigned:
            return self._absolute()._equals(other._absolute())
        apart = TOLERANCE * max(abs(self.value), abs(other.value)) if self.rough or other.rough else 0
        return abs(self.value - other.value) <= apart and not (self._rules_out(other) or other._rules_out(self))

    def _absolute(self) -> Number:
        return replace(self, value=abs(self.value), unsigned=False)

    def _rules_out(self, other: Number) -> bool:
        """Whether a bound leaves no room for another number: *more than 500* for *less than 500* or for 480."""
        room = (other.value - self.value) * self.bound
        if self.bound and other.bound == -self.bound:
            return room <= 0
        return room < 0 and not (other.rough or other.bound)


def numbers(sentence: str) -> tuple[Number, ...]:
    """The numbers of a sentence, in digits or in words up to twelve, in their order and each once."""
    found = (_number(sentence, each) for each in _NUMBER.finditer(sentence))
    return tuple({(each.value, each.of, each.bound): each for each in found}.values())


def has_number(sentence: str) -> bool:
    return _NUMBER.search(sentence) is not None


def _number(sentence: str, found: re.Match[str]) -> Number:
    digits, end = found["digits"], found.end()
    value = _decimal(digits) if digits else Decimal(_WORDS.index(found["word"].lower()) + 1)
    if magnitude := _magnitude(sentence, end, money=bool(found["money"])):
        value, end = value * _MAGNITUDES[magnitude[1].lower()], magnitude.end()
    around = qualified(sentence, found.start(), end)
    unit = _UNIT.match(sentence, end)
    word = unit[1].lower() if unit else ""
    if found["money"] or word in _UNITS:
        of = frozenset({found["money"] or _UNITS[word]})
        end = unit.end() if unit and not found["money"] else end
    elif digits and len(digits) == 4 and 1000 <= value < 2100 and not magnitude:
        of = frozenset({_YEAR})
    else:
        of = _things(sentence, end)
    shown = sentence[around.start : max(end, around.end)]
    value = -value if around.negative or found["minus"] else value
    return Number(value, of, shown, around.rough, around.bound, around.unsigned, in_digits=digits is not None)


def _decimal(digits: str) -> Decimal:
    """English, with commas between thousands; one before one or two digits can only be a decimal comma."""
    return Decimal(re.sub("[ ,'’]", "", re.sub(r",(?=\d\d?$)", ".", digits)))


def _magnitude(sentence: str, end: int, *, money: bool) -> re.Match[str] | None:
    found = _MAGNITUDE.match(sentence, end)
    if found and found[1].lower() in _OF_MONEY and not (money or _MONEY.match(sentence, found.end())):
        return None
    return found


def _things(sentence: str, end: int) -> frozenset[str]:
    """The stems of the words behind a number, up to one that says little: *11 small glaciers which*."""
    following = _THING.match(sentence, end)
    words = re.split(r"[\s-]+", following[1].strip(" -")) if following else []
    return frozenset(map(stem, takewhile(lambda word: not says_little(word), words)))

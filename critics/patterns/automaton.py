"""A pattern as a position automaton (Glushkov's), which also counts in how many ways one position follows another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from critics.patterns.syntax import Syntax, members

MAX_STATES = 300
MAX_COPIES = 4
"""A counted repetition is written out, up to this often: more copies seldom make an ambiguity that fewer do not."""

_ALPHABET = (
    *map(chr, range(0x20, 0x7F)),
    *"\n\t\u00e9\u00c9\u0301\u03b1\u0416\u044f\u05d0\u0627\u0663\u0915\u3042\u30a2\u4e2d\ud55c\u20ac\u00a0",
)


class TooLarge(Exception):
    """The pattern has more positions than `MAX_STATES`."""


class Part(NamedTuple):
    """A part of a pattern: whether it can be empty, and with which states it can begin and end."""

    empty: bool
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


class Automaton:
    """`states[i]` holds the characters (of a sample) that state i stands for, `edges[i]` what can follow, how often."""

    def __init__(self, syntax: Syntax) -> None:
        """Raises `TooLarge`."""
        self.states: list[frozenset[str]] = []
        self.edges: list[Counter[int]] = []
        self._named = syntax.classes
        self._alphabet = frozenset(_ALPHABET) | (frozenset(_literals(syntax.tree)) - syntax.classes.keys())
        self._sequence(syntax.tree)

    def _sequence(self, nodes: Iterable[Any]) -> Part:
        part = Part(empty=True)
        for node in nodes:
            part = self._then(part, self._part(str(node[0]), node[1]))
        return part

    def _then(self, one: Part, two: Part) -> Part:
        self._link(one, two)
        return Part(
            one.empty and two.empty,
            one.first + (two.first if one.empty else ()),
            two.last + (one.last if two.empty else ()),
        )

    def _part(self, kind: str, value: Any) -> Part:
        match kind:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "RANGE" | "CATEGORY":
                return self._state(self._characters(kind, value))
            case "SUBPATTERN":
                return self._sequence(value[3])
            case "ATOMIC_GROUP":
                return self._sequence(value)
            case "BRANCH":
                parts = [self._sequence(branch) for branch in value[1]]
                firsts, lasts = sum((p.first for p in parts), ()), sum((p.last for p in parts), ())
                return Part(any(part.empty for part in parts), firsts, lasts)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self._repeated(*value)
        return Part(empty=True)  # an assertion

    def _repeated(self, least: int, most: Any, body: Sequence[Any]) -> Part:
        endless = str(most) == "MAXREPEAT"
        needed = min(least, MAX_COPIES)
        part = Part(empty=True)
        for _ in range(needed - 1 if endless else needed):
            part = self._then(part, self._sequence(body))
        if endless:
            loop = self._sequence(body)
            self._link(loop, loop)
            return self._then(part, loop._replace(empty=loop.empty or least == 0))
        optional = Part(empty=True)
        for _ in range(min(most - least, MAX_COPIES)):  # from the inside: x(x(x)?)?
            optional = self._then(self._sequence(body), optional)._replace(empty=True)
        return self._then(part, optional)

    def _link(self, one: Part, two: Part) -> None:
        for state in one.last:
            self.edges[state].update(two.first)

    def _state(self, characters: frozenset[str]) -> Part:
        if len(self.states) == MAX_STATES:
            raise TooLarge
        self.states.append(characters)
        self.edges.append(Counter())
        here = (len(self.states) - 1,)
        return Part(empty=False, first=here, last=here)

    def _characters(self, kind: str, value: Any) -> frozenset[str]:
        match kind:
            case "LITERAL" if chr(value) in self._named:
                # A class with nothing in the sample is at least like itself.
                return members(self._named[chr(value)], self._alphabet) or frozenset(chr(value))
            case "LITERAL":
                return frozenset(chr(value))
            case "NOT_LITERAL":
                return self._alphabet - self._characters("LITERAL", value)
            case "RANGE":
                return frozenset(char for char in self._alphabet if value[0] <= ord(char) <= value[1])
            case "CATEGORY":
                return self._category(str(value))
            case "IN":
                found = frozenset[str]().union(*(self._characters(str(k), v) for k, v in value if str(k) != "NEGATE"))
                return self._alphabet - found if str(value[0][0]) == "NEGATE" else found
        return self._alphabet - {"\n"}

    def _category(self, name: str) -> frozenset[str]:
        letter = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name.split("_")[-1]]
        inside = frozenset(char for char in self._alphabet if re.fullmatch(letter, char))
        return self._alphabet - inside if "_NOT_" in name else inside


def _literals(tree: Any) -> Iterable[str]:
    """Every character that the tree names, so that two patterns of rare characters are told apart too."""
    for node in tree:
        if isinstance(node, tuple) and len(node) == 2 and str(node[0]) in ("LITERAL", "NOT_LITERAL"):
            yield chr(node[1])
        elif isinstance(node, tuple) and len(node) == 2 and str(node[0]) == "RANGE":
            yield from map(chr, node[1])
        elif not isinstance(node, (int, str)) and node is not None:
            yield from _literals(node)

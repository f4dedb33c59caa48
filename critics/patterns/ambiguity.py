"""Find a repetition that one text fits in exponentially many ways: the cause of catastrophic backtracking.

The pattern is read, never run. It hangs a backtracking engine just when its automaton has a state from which two
different walks over the same text lead back to it (exponential ambiguity).
"""

from __future__ import annotations

from collections.abc import Iterator

from critics.patterns.automaton import Automaton, TooLarge
from critics.patterns.syntax import parse, shown

MAX_PAIRS = 20_000
"""Pairs of walks that are followed; a pattern with more is taken to be harmless."""

_Pair = tuple[int, int]


def pitfall(pattern: str) -> str | None:
    """What is ambiguous in `pattern`, and the cure; `None` where nothing is, or where it cannot be read at all."""
    syntax = parse(pattern)
    if syntax is None:
        return None
    try:
        char = _ambiguous(Automaton(syntax))
    except TooLarge:
        return None
    if char is None:
        return None
    return (
        f"what `{shown(pattern)}` repeats can split a run such as {char * 3!r} in exponentially many ways; RE2 copes, "
        "but engines that backtrack hang on it: drop the inner or the outer repetition, or end each round with a "
        r"character that the rest of it cannot match, (\w+\s)+ rather than (\w+\s?)+"
    )


def _ambiguous(automaton: Automaton) -> str | None:
    """A character over which two walks part that meet again on one cycle, if there is one."""
    cycles = _cycles(automaton)
    for state, peers in enumerate(cycles):
        for follower, ways in automaton.edges[state].items():
            if ways > 1 and follower in peers and automaton.states[follower]:
                return _plainest(automaton.states[follower])
    return _meeting(automaton, cycles)


def _meeting(automaton: Automaton, cycles: list[frozenset[int]]) -> str | None:
    """The same, for walks that part by going to different states."""
    parted = [pair for state in range(len(cycles)) for pair in _steps(automaton, cycles, (state, state))]
    seen, todo = set(parted), [pair for pair in parted if pair[0] != pair[1]]
    while todo and len(seen) < MAX_PAIRS:
        for pair in _steps(automaton, cycles, todo.pop()):
            if pair[0] == pair[1]:
                return _plainest(automaton.states[pair[0]])
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return None


def _plainest(characters: frozenset[str]) -> str:
    return min(
        characters, key=lambda char: (not char.isascii(), not char.isalnum(), not char.isprintable(), -ord(char))
    )


def _steps(automaton: Automaton, cycles: list[frozenset[int]], pair: _Pair) -> Iterator[_Pair]:
    """Where two walks can go over one and the same character without leaving their cycle. Pairs are in order."""
    one, two = pair
    for a in automaton.edges[one].keys() & cycles[one]:
        for b in automaton.edges[two].keys() & cycles[one]:
            if not automaton.states[a].isdisjoint(automaton.states[b]):
                yield min(a, b), max(a, b)


def _cycles(automaton: Automaton) -> list[frozenset[int]]:
    """For each state, those that it reaches and that reach it."""
    reach = [_reach(automaton, state) for state in range(len(automaton.states))]
    return [frozenset(other for other in reach[state] if state in reach[other]) for state in range(len(reach))]


def _reach(automaton: Automaton, state: int) -> set[int]:
    seen: set[int] = set()
    todo = [state]
    while todo:
        fresh = automaton.edges[todo.pop()].keys() - seen
        seen |= fresh
        todo.extend(fresh)
    return seen

"""Anchors that cannot hold where they stand: a `$` with more to match behind it, as who means the sign writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from critics.patterns.syntax import parse, shown

_BY_LINE = re.compile(r"\(\?[a-zA-Z]*m")


def misplaced(pattern: str) -> str | None:
    """Which anchor keeps `pattern`, or an alternative of it, from ever matching, and the cure; `None` where none does.

    Where the flag m makes anchors of lines anything may follow, so that none is complained of.
    """
    syntax = None if _BY_LINE.search(pattern) else parse(pattern)
    found = next(_found(syntax.tree), None) if syntax else None
    if found is None:
        return None
    anchor, side = found
    what = f"`{shown(pattern)}` asks for something {side} `{anchor}`, where there is nothing, so that it never matches"
    return f"{what}; write `\\{anchor}` for the sign, or `(?m)` in front where lines are meant"


def _found(tree: Any) -> Iterator[tuple[str, str]]:
    """Each such anchor, and on which side of it something is asked for."""
    for index, (kind, value) in enumerate(tree):
        if str(kind) == "AT":
            if str(value) == "AT_END" and tree[index + 1 :].getwidth()[0]:
                yield "$", "behind"
            if str(value) == "AT_BEGINNING" and tree[:index].getwidth()[0]:
                yield "^", "before"
        for inner in _inside(str(kind), value):
            yield from _found(inner)


def _inside(kind: str, value: Any) -> tuple[Any, ...]:
    match kind:
        case "SUBPATTERN":
            return (value[3],)
        case "BRANCH":
            return tuple(value[1])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return (value[2],)
    return ()

"""Which columns a table has, and whether they can hold what is looked for in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline.errors import BadInput

_TEXT = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "null")
_NUMBER = re.compile(r"u?int|float|double|halffloat|decimal")
_TURNS = re.compile(r"(large_|fixed_size_)?list(_view)?<[^<]*struct<|null$")
_WANTED = {
    "messages": "a list of `role` and `content`",
    "context": "a list of `text`, `origin`, `published` and `kind`",
    "id": "text or a number",
}


def refuse_missing(column: str, columns: Sequence[str], name: str) -> None:
    """Raises `BadInput` where the column of the prompts is not among those that there are."""
    if column not in columns:
        there = ", ".join(each if each == each.strip() != "" else repr(each) for each in columns) or "none"
        raise BadInput(f"{name} has no column {column!r}; name one of these with --column: {there}")


def refuse_doubled(used: Sequence[str], columns: Sequence[str], name: str) -> None:
    """Raises `BadInput` where nobody can tell which of several columns of a name is meant."""
    for column in used:
        if (times := columns.count(column)) > 1:
            raise BadInput(f"{name} has {times} columns {column!r}: rename all but the one that is meant")


def refuse_types(types: Mapping[str, str], name: str, column: str) -> None:
    """Raises `BadInput` where a column cannot hold what is looked for in it: each of its rows would be a fault. `types`
    are Arrow's, by column."""
    for key, kind in types.items():
        if not _fits(key, kind, column):
            what, cure = _WANTED.get(key, "text"), "name another with --column, or cast it"
            if key != column:
                cure = "cast it, or rename it if it is none"
            raise BadInput(f"{name}: the column {key!r} holds {_short(kind)}, and what is wanted is {what}: {cure}")


def _fits(key: str, kind: str, column: str) -> bool:
    if key in ("messages", "context") and key != column:
        return _TURNS.match(kind) is not None
    return kind in _TEXT or (key == "id" != column and _NUMBER.match(kind) is not None)


def _short(kind: str) -> str:
    return kind if len(kind) <= 40 else kind[:40] + "…"

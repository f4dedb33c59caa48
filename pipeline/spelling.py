"""Structured things as the text that they say.

Every word stands as it is, not as JSON would write it: an escape could hide a word, or where it ends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn

from pydantic import BaseModel

from critics import ToolCall

DEEPEST = 100
"""Levels of nested data that are walked through, one call inside the other."""

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def parsed(text: str) -> Any:
    """JSON as its grammar has it. Raises `ValueError`, also for what cannot be written back."""
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if measured(value)[1] > DEEPEST:
        raise ValueError("it is nested too deeply")
    return value


def measured(value: Any) -> tuple[int, int]:
    """How many values there are in nested data, and how many levels; whatever its depth."""
    values, levels, level = 0, 0, [value]
    while level:
        values, levels = values + len(level), levels + 1
        level = [inner for outer in level for inner in _inside(outer)]
    return values, levels


def written(value: Any) -> str:
    """The value as JSON, with nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Every word of nested data, also of objects, on a line of its own, behind the names that lead to it."""
    if named := _named(value):
        for key, inner in named.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            yield from leaves(inner, path)
    else:
        text = json.dumps(value) if isinstance(value, int | float | dict | list | tuple | None) else str(value)
        yield f"{path}: {text}" if path else text


def _named(value: Any) -> dict[Any, Any]:
    if isinstance(value, BaseModel):
        return {**value.__dict__, **(value.model_extra or {})}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value if isinstance(value, dict) else {}


def said_by(text: str) -> str:
    """What a JSON text says; of one that is none or not whole, itself with its escapes resolved."""
    try:
        return "\n".join(leaves(parsed(text)))
    except ValueError:
        resolved = _ESCAPE.sub(_resolved, text)
        return resolved.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two escapes may be one letter


def spelled(call: ToolCall) -> str:
    """A call as text: the tool's name, and each argument."""
    arguments = said_by(call.arguments)
    return call.name if arguments in ("", "{}") else f"{call.name}\n{arguments}"


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _resolved(escape: re.Match[str]) -> str:
    code, short = escape.groups()
    return chr(int(code, 16)) if code else _SHORT.get(short, short)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is too large for a number")
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")

"""Whether JSON has the shape that a schema asks for: not every server holds a model to it.

A schema may be anybody's, so what it takes to look is bounded, which validators of schemas do not do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST, _DEEPEST = 20_000, 200
"""Looks into a schema for one answer, and one inside the other: one that leads back into itself may have no end."""
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool,
    "null": type(None),
}  # fmt: skip


def misfit(value: Any, schema: Any) -> str:
    """What is plainly wrong with a value: its type, a key that it lacks or must not have, a word that is none of those
    offered. Empty where nothing is, and where that would take too long; patterns and bounds are not looked at."""
    return next(_Fitting(schema).faults(value, schema, ""), "")


class _Fitting:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _MOST

    def faults(self, value: Any, schema: Any, place: str, deep: int = 0) -> Iterator[str]:
        self._left, deep = self._left - 1, deep + 1
        if self._left <= 0 or deep > _DEEPEST or not isinstance(schema, dict):
            return
        if value is None and schema.get("nullable"):  # as OpenAPI writes it
            return
        if "$ref" in schema:
            yield from self.faults(value, self._referred(schema["$ref"]), place, deep)
        name = f"`{place}`" if place else "the answer"
        if not _is_one(value, schema.get("type")):
            yield f"{name} is not of the type that was asked for, {schema['type']}"
            return
        if not _is_among(value, schema):
            yield f"{name} is none of the values that were asked for"
        for other in _listed(schema.get("allOf")):
            yield from self.faults(value, other, place, deep)
        for choice in ("anyOf", "oneOf"):
            ways = _listed(schema.get(choice))
            if ways and all(next(self.faults(value, way, place, deep), "") for way in ways):
                yield f"{name} has none of the shapes that were asked for"
        for key, inner, wanted in _inside(value, schema):
            yield from self.faults(inner, wanted, f"{place}.{key}" if place else key, deep)
        yield from (f"`{key}` is missing in {name}" for key in _lacking(value, schema))
        if _has_more(value, schema):
            yield f"{name} has a key that was not asked for"

    def _referred(self, ref: Any) -> Any:
        """What a reference into the schema means; nothing, where it leads elsewhere, or is the name of an anchor."""
        found: Any = self._root if ref == "#" or str(ref).startswith("#/") else None
        for step in str(ref).split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found


def _is_one(value: Any, kinds: Any) -> bool:
    """Whether it is of one of the types. `true` is no number, and 1.0 is a whole one."""
    asked = [kinds] if isinstance(kinds, str) else _listed(kinds)
    known = [kind for kind in asked if isinstance(kind, str) and kind in _KINDS]
    if not known or len(known) < len(asked):
        return True
    if isinstance(value, bool):
        return "boolean" in known
    whole = isinstance(value, float) and value.is_integer() and "integer" in known
    return whole or any(isinstance(value, _KINDS[kind]) for kind in known)


def _is_among(value: Any, schema: Mapping[str, Any]) -> bool:
    offered = schema.get("enum")
    return (not isinstance(offered, list) or value in offered) and ("const" not in schema or value == schema["const"])


def _inside(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What is in a value, with the name that leads to it and the schema for it."""
    if isinstance(value, dict):
        known = _mapping(schema.get("properties"))
        yield from ((key, inner, known[key]) for key, inner in value.items() if key in known)
    elif isinstance(value, list) and "prefixItems" not in schema:
        yield from (("[]", inner, schema.get("items")) for inner in value)


def _lacking(value: Any, schema: Mapping[str, Any]) -> list[Any]:
    keys = [key for key in _listed(schema.get("required")) if isinstance(key, str)]
    return [key for key in keys if key not in value] if isinstance(value, dict) else []


def _has_more(value: Any, schema: Mapping[str, Any]) -> bool:
    closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    return closed and isinstance(value, dict) and not value.keys() <= _mapping(schema.get("properties")).keys()


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else ()


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}

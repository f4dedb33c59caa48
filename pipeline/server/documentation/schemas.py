"""JSON schemas in words, as HTML. A keyword without a word is shown as it stands, so that none is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]

_WORDED = frozenset({"$ref", "anyOf", "oneOf", "enum", "const", "type", "items", "title", "description", "default"})
_EITHER = ("anyOf", "oneOf")


def section(name: str, schema: Schema) -> str:
    """One that has a name, by which it is linked to."""
    required = schema.get("required", ())
    own = [_field(field, told, required=field in required) for field, told in schema.get("properties", {}).items()]
    whole = kind({key: value for key, value in schema.items() if key not in ("properties", "required")})
    parts = [
        f"<h3>{escape(name)}</h3>",
        "" if own and whole == "object" else f"<p>{whole}</p>",
        f"<p>{prose(schema['description'])}</p>" if "description" in schema else "",
        fields(own),
    ]
    return f'<section id="{escape(name)}">{"".join(parts)}</section>'


def fields(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what is said of them, both HTML: side by side, or below one another where the window is narrow."""
    told = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in rows)
    return f'<dl class="facts fields">{told}</dl>' if told else ""


def kind(schema: Schema) -> str:
    """What fits it."""
    bounds = ", ".join(f"{escape(key)} {_code(value)}" for key, value in schema.items() if not _worded(key, value))
    return f"{_what(schema)} ({bounds})" if bounds else _what(schema)


def prose(text: str) -> str:
    """A description; what stands in backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _field(name: str, schema: Schema, *, required: bool) -> tuple[str, str]:
    told = kind(schema) + (", required" if required else "")
    told += f", by default {_code(schema['default'])}" if "default" in schema else ""
    told += f"<br>{prose(schema['description'])}" if "description" in schema else ""
    return f"<code>{escape(name)}</code>", told


def _what(schema: Schema) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if either := next((key for key in _EITHER if key in schema), None):
        return " or ".join(map(kind, schema[either]))
    if "const" in schema or "enum" in schema:
        return " or ".join(map(_code, schema.get("enum", [schema.get("const")])))
    what = "list" if schema.get("type") == "array" else escape(schema.get("type", "anything"))
    inside = schema.get("items") or schema.get("additionalProperties")
    if not isinstance(inside, Mapping):
        return what
    return f"{what} of ({kind(inside)})" if any(key in inside for key in _EITHER) else f"{what} of {kind(inside)}"


def _worded(key: str, value: object) -> bool:
    return key in _WORDED or (key == "additionalProperties" and value is not False)


def _code(value: object) -> str:
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    return f"<code>{escape(json.dumps(plain, ensure_ascii=False))}</code>"

"""The form that a client wants an answer to have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import Field

from pipeline.drafting import Form
from pipeline.server import faults
from pipeline.server.wire.incoming import In, Text
from pipeline.structured import DEEPEST, measured

MOST_VALUES = 2000
"""Values in a schema, names not counted. To look through so many takes some seconds at worst."""

Name = Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]


class Schema(In):
    name: Name
    description: Text | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None


def form_of(kind: str, schema: Schema | None, *, field: str, inside: str) -> Form | None:
    """The form for a `type` of OpenAI's. `inside` is the field of the schema. Raises `ApiError`, with the place."""
    if kind == "text":
        return None
    if kind == "json_object":
        return Form()
    if kind != "json_schema":
        what = f"`{field}`: there is none of type {faults.told(kind)}, but `text`, `json_object` and `json_schema`"
        raise faults.ApiError(400, what, param=f"{field}.type", code="unsupported_value")
    if schema is None:
        raise faults.ApiError(400, f"`{field}` has no schema", param=inside, code="invalid_value")
    _refuse_broken(schema.schema_, f"{inside}.schema")
    return Form(json.dumps(schema.schema_), schema.description or "", schema.name, schema.strict)


def _refuse_broken(schema: dict[str, Any], place: str) -> None:
    values, levels = measured(schema)
    if levels > DEEPEST:
        raise _broken(place, "it is nested too deeply")
    if values > MOST_VALUES:
        raise _broken(place, f"it has {values} values, and {MOST_VALUES} is the most")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        raise _broken(".".join([place, *map(str, exc.absolute_path)]), exc.message) from None
    except RecursionError:
        raise _broken(place, "it is nested too deeply") from None
    except OverflowError:  # of Python's regular expressions
        raise _broken(place, "a pattern counts too far") from None
    for where, ref in _references(schema, place):
        if not ref.startswith("#"):
            raise _broken(where, f"{ref[:80]!r} lies outside of the schema")


def _references(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    items = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in items:
        if key == "$ref" and isinstance(value, str):
            yield f"{place}.{key}", value
        yield from _references(value, f"{place}.{key}")


def _broken(place: str, why: str) -> faults.ApiError:
    return faults.ApiError(400, f"{place}: {why[:300]}", param=place, code="invalid_value")

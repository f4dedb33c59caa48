"""From a tree to the models, with every fault said at once, where it stands, and what was probably meant."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from critics.errors import Fault
from critics.manifesto.tree import Node

M = TypeVar("M", bound=BaseModel)


class Invalid(Exception):
    """A tree that does not fit its model. `keys` are those of the tree in which something is wrong."""

    def __init__(self, faults: list[Fault], keys: frozenset[str] = frozenset()) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults
        self.keys = keys


def fit(model: type[M], node: Node) -> M:
    """The tree as `model`. Raises `Invalid` with every fault."""
    try:
        # By way of JSON, because strict validation of JSON still takes a list for a tuple. A key has one spelling, the
        # schema's: one spelt otherwise in a parent would not be replaced.
        return model.model_validate_json(json.dumps(node.plain()), by_alias=True, by_name=False)
    except ValidationError as exc:
        errors = exc.errors()
        keys = frozenset(str(error["loc"][0]) for error in errors if error["loc"])
        raise Invalid([_fault(model, node, error) for error in _telling(errors)], keys) from exc


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to a fault, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def _telling(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the complaint that a list is too short which comes only from its items' own faults."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(len(place) > len(error["loc"]) and place[: len(error["loc"])] == error["loc"] for place in places)
    ]


def _fault(model: type[BaseModel], node: Node, error: ErrorDetails) -> Fault:
    steps = error["loc"]
    found = node.find(*steps)
    if error["type"] == "string_type" and found.node.written:  # as written, for the value may be something else: 007
        return found.mark.fault(f"`{_dotted(steps)}` must be words: put quotes around {found.node.written}")
    return found.mark.fault(_wording(model, steps, error))


def _wording(model: type[BaseModel], steps: tuple[str | int, ...], error: ErrorDetails) -> str:
    name = f"`{_dotted(steps)}`" if steps else "a manifesto"
    given = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            known = _keys(model, steps[:-1])
            return f"unknown key {name}" + (did_you_mean(str(steps[-1]), known) or f"; known are {', '.join(known)}")
        case "literal_error":
            known = re.findall(r"'([^']+)'", error["ctx"]["expected"])
            return f"{name} must be one of {', '.join(known)}, not {given!r}" + did_you_mean(str(given), known)
        case _:
            return f"{name}{worded(error)}"


def worded(error: ErrorDetails, *, secret: bool = False) -> str:
    """What is wrong with a value, to be put behind its name; one that is `secret` is not repeated."""
    given, limits = error.get("input"), error.get("ctx", {})
    match error["type"]:
        case "missing":
            return " is missing"
        case "string_type" if isinstance(given, (int, float, bool)):
            return f" must be words: put quotes around {'it' if secret else given}"
        case "string_pattern_mismatch" if isinstance(given, str) and not given.strip():
            return " must not be blank"
        case "string_pattern_mismatch":
            unfit = f"does not fit {limits['pattern']}"
            return f" {unfit}" if secret else f" is {given!r}, which {unfit}"
        case "value_error":
            return f": {limits['error']}"
        case "tuple_type" | "list_type":
            return " must be a list" + (f": write [{given}]" if isinstance(given, str) and given and not secret else "")
        case "too_short":
            return f" must have at least {limits['min_length']} in it"
        case "too_long":
            return f" must have at most {limits['max_length']} in it"
        case kind:
            plain = _PLAIN.get(kind)
            return f" must be {plain}" if plain else f": {error['msg'][0].lower()}{error['msg'][1:]}"


_PLAIN = {
    "string_type": "words",
    "string_too_short": "words",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping, `key: value`",
    "model_type": "a mapping, `key: value`",
    "model_attributes_type": "a mapping, `key: value`",
}


def _dotted(steps: tuple[str | int, ...]) -> str:
    return re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, steps)))


def _keys(model: type[BaseModel], steps: tuple[str | int, ...]) -> list[str]:
    """The keys allowed in the mapping at `steps`."""
    for step in (step for step in steps if isinstance(step, str)):
        field = next((field for key, field in model.model_fields.items() if step in (field.alias, key)), None)
        if field is None:
            continue  # a key of a mapping, whose values are all of the model at hand
        inner = _model_in(field.annotation)
        if inner is None:
            return []
        model = inner
    return [field.alias or key for key, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)

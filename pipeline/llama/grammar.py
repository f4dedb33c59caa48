"""A form that an answer is to have, as a grammar under which nothing else can be written.

The schema may be anybody's, and llama.cpp compiles a grammar in the thread that everybody waits for: what would be long
is refused before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from pipeline.drafting import Form
from pipeline.errors import ModelFault, ModelUnable
from pipeline.llama.judge_model import gbnf

MOST = 1000
"""The highest of the numbers that a schema may count to. Each is a part of the grammar, one inside the other."""
LONGEST = 50_000
"""Characters of a grammar, and of a schema that is to be one."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_COUNTED = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


@lru_cache(maxsize=64)
def grammar_of(form: Form) -> str:
    """GBNF for the form. Raises `ModelUnable`."""
    if len(form.schema) > LONGEST:
        raise _unable("it is too large for a grammar")
    schema = json.loads(form.schema) if form.schema else {"type": "object"}
    for place, number in _counts(schema, ""):
        if number > MOST:
            raise _unable(f"{place} is {number}, and {MOST} is the most")
    try:
        grammar = gbnf(schema)
    except ModelFault as exc:
        raise _unable(str(exc)) from exc
    if len(grammar) > LONGEST:
        raise _unable("it is too large for a grammar")
    return grammar


def _counts(schema: Any, place: str) -> Iterator[tuple[str, int]]:
    items = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in items:
        here = f"{place}.{key}" if place else str(key)
        if key in _COUNTED and isinstance(value, int):
            yield here, value
        if key == "pattern" and isinstance(value, str):
            yield from ((here, number) for number in _repeats(value))
        yield from _counts(value, here)


def _repeats(pattern: str) -> Iterator[int]:
    """The numbers that a regular expression counts to: written out, they are text of the grammar."""
    for inside in _BRACES.findall(pattern):
        for number in inside.split(","):
            with suppress(ValueError):
                yield int(number)


def _unable(why: str) -> ModelUnable:
    return ModelUnable(f"the model cannot keep to this schema: {why}", asked="form", why=why)

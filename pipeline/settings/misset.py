"""What is wrong with settings, each fault with the line, the variable or the flag that it was set by."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from critics import Node, did_you_mean, worded

PREFIX = "SUPEREGO_"
NESTED = "__"

_FOLDER = "SUPEREGO_EVAL"
"""Of the data that `bench/` measures on: no setting, and no mistake."""

_Steps = Sequence[int | str]
_FIRST = ("model", "file", "use")
"""What is meant where a group is given one word."""
_SECRET = frozenset({"api_key", "keys"})
"""What stands in these is repeated nowhere, right or wrong."""
_NAME = re.compile(r"embedded|preprompt|none|[\w./~-]+\.(?:gguf|safetensors|sqlite)|[a-z][a-z_-]*:[\w./-]+")
"""What may be repeated of a word that stands in the place of a group: anything else may be a key, or an address."""
_LEFT_OUT = "…"


def misset(
    model: type[BaseModel], errors: Sequence[ErrorDetails], *, tree: Node | None, flags: Mapping[str, Any]
) -> str:
    """One line a fault: flags, then variables, then the file in its order."""
    found = []
    for error in errors:
        steps = [step for step in error["loc"] if step != "function-plain"]
        what = _what(model, steps, error)
        if _holds(flags, steps):
            found.append((0, 0, 0, f"flag {what}"))
        elif variable := _variable(steps):
            found.append((1, 0, 0, f"{variable}: {what}"))
        elif tree:
            fault = tree.place(*steps).fault(what)
            found.append((2, fault.line, fault.column, str(fault)))
        else:
            found.append((2, 0, 0, what))
    return "\n".join(line for *_, line in sorted(found, key=lambda each: each[:3]))


def misspelt(model: type[BaseModel], said: Exception) -> str:
    """The variables that hold no JSON where it is needed, one a line; `said` is for where none is found."""
    found = []
    for variable, value in sorted(os.environ.items()):
        wrong = _no_json(value)
        if not variable.upper().startswith(PREFIX) or not wrong:
            continue
        wanted = _annotation(model, variable.upper().removeprefix(PREFIX).lower().split(NESTED))
        if not (_first(wanted) or get_origin(wanted) in (tuple, dict)):
            continue
        if value.lstrip().startswith(("{", "[")):  # it was meant to be JSON, and may hold a key
            found.append(f"{variable}: not JSON: {wrong}")
        elif key := _first(wanted):
            found.append(
                f"{variable}: a group of settings; set {variable}{NESTED}{key.upper()}={_named(value, wanted)}"
            )
        else:
            told = _LEFT_OUT if _hides(variable) else value
            shape = json.dumps([told] if get_origin(wanted) is tuple else {"key": told}, ensure_ascii=False)
            found.append(f"{variable}: lists and mappings are given as JSON there, {shape}")
    return "\n".join(found) or f"{PREFIX}*: {said}; lists and mappings are given as JSON there"


def renamed(model: type[BaseModel]) -> list[str]:
    """The variables that hold one value of a mapping, whose key could only be taken in small letters."""
    found = []
    for variable, value in sorted(os.environ.items()):
        *steps, key = variable[len(PREFIX) :].split(NESTED)
        if variable.upper().startswith(PREFIX) and get_origin(_annotation(model, [s.lower() for s in steps])) is dict:
            whole = f"{PREFIX}{NESTED.join(steps)}={json.dumps({key: value}, ensure_ascii=False)}"
            found.append(f"{variable}: names of variables have no small letters, and {key!r} may have; set {whole}")
    return found


def unused(model: type[BaseModel]) -> list[str]:
    """The variables that begin like one of ours and set nothing, each with the one that was probably meant."""
    found = []
    for variable in sorted(os.environ.keys() - {_FOLDER}):
        name = variable.upper().removeprefix(PREFIX)
        if variable.upper().startswith(PREFIX) and name.split(NESTED)[0].lower() not in model.model_fields:
            close = get_close_matches(name, _names(model), n=1)
            meant = f"did you mean {PREFIX}{close[0]}?" if close else "superego config show has all settings"
            found.append(f"{variable} sets nothing; {meant}")
    return found


def _hides(variable: str) -> bool:
    return not _SECRET.isdisjoint(variable.lower().split(NESTED))


def _names(model: type[BaseModel], above: str = "") -> list[str]:
    """Of all variables, without what they begin with; of groups as well."""
    found = []
    for key, field in model.model_fields.items():
        found.append(above + key.upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _names(field.annotation, found[-1] + NESTED)
    return found


def _what(model: type[BaseModel], steps: _Steps, error: ErrorDetails) -> str:
    name = ".".join(map(str, steps))
    secret = not _SECRET.isdisjoint(steps)
    if error["type"] == "extra_forbidden":
        return _unknown(model, steps, secret=secret)
    wanted, given = _annotation(model, steps), error.get("input")
    if error["type"] == "model_type" and (group := _first(wanted)) and isinstance(given, str) and not secret:
        if key := _unspaced(given, wanted):
            return f"`{name}`: put a space behind the colon of `{key}:`"
        return f"`{name}` is a group of settings: write `{name}: {{{group}: {_named(given, wanted)}}}`"
    return f"`{name}`{worded(error, secret=secret)}"


def _unknown(model: type[BaseModel], steps: _Steps, *, secret: bool) -> str:
    """Of a key that there is not. It may have a value in it, or be one."""
    *above, key = map(str, steps)
    group = _annotation(model, steps[:-1])
    if meant := _unspaced(key, group):
        return f"`{'.'.join((*above, meant))}`: put a space behind its colon"
    told = _LEFT_OUT if secret else key.partition(":")[0]
    return f"unknown key `{'.'.join((*above, told))}`" + did_you_mean(key, getattr(group, "model_fields", {}))


def _unspaced(given: str, group: Any) -> str | None:
    """The key of a group that something begins with, and a colon without a space."""
    key, colon, _ = given.partition(":")
    return key if colon and key in getattr(group, "model_fields", {}) else None


def _named(given: str, group: Any) -> str:
    return given if _NAME.fullmatch(given) and not _unspaced(given, group) else _LEFT_OUT


def _variable(steps: _Steps) -> str | None:
    """What is inside of a variable with JSON is its fault too, and so is a group where there is none."""
    given = sorted(key.upper() for key in os.environ)
    names = [PREFIX + NESTED.join(map(str, steps[:depth])).upper() for depth in range(len(steps), 0, -1)]
    deeper = (name for name in given if names and name.startswith(names[0] + NESTED))
    return next((name for name in names if name in given), None) or next(deeper, None)


def _holds(flags: Mapping[str, Any], steps: _Steps) -> bool:
    value: Any = flags
    for step in steps:
        if not isinstance(value, Mapping) or step not in value:
            return False
        value = value[step]
    return bool(steps)


def _annotation(model: type[BaseModel], steps: _Steps) -> Any:
    """What may stand at the end of `steps`, where there is such a place."""
    found: Any = model
    for step in steps:
        if isinstance(step, int):
            found = next(iter(get_args(found)), None)
        else:
            field = getattr(found, "model_fields", {}).get(step)
            found = field.annotation if field else None
    return found


def _first(group: Any) -> str | None:
    """The key that a group is mostly set for, if it is a group."""
    fields = getattr(group, "model_fields", {})
    return next((key for key in (*_FIRST, *fields) if key in fields), None)


def _no_json(text: str) -> str:
    """Why it is none, if so."""
    try:
        json.loads(text)
    except ValueError as exc:
        return str(exc)
    return ""

"""A draft that is more than prose, as it is judged and as it may be released: both are made from one reading of it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from critics import Finding, ToolCall, visible
from pipeline.drafting import DraftOptions, Finish
from pipeline.spelling import parsed, said_by, spelled, written
from pipeline.structured.fitting import misfit

Mend = Callable[[str], tuple[str, tuple[Finding, ...]]]
"""What `redact` rules make of a text, and what they found in it."""

_APART = "\n\n"
_IDS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Shaped:
    """`text` and `calls` may be released, `judged` is what they say. With a `fault` there is nothing to judge."""

    text: str
    calls: tuple[ToolCall, ...]
    judged: str
    redactions: tuple[Finding, ...] = ()
    fault: str = ""


def shaped(
    text: str, calls: Sequence[ToolCall], options: DraftOptions, mend: Mend, *, finish: Finish | None = None
) -> Shaped:
    """Read a draft, and mend each of its texts for itself.

    JSON is written anew from what was read, so that whoever reads it otherwise (of two like names the first one, say)
    finds nothing else in it. An answer in JSON that was cut off for its length is no fault: whoever set that length is
    told so.
    """
    found: list[Finding] = []

    def mended(part: str) -> str:
        clean, findings = mend(visible(part))
        found.extend(findings)
        return clean

    fault = _fault(text, calls, options, finish)
    if fault:
        return Shaped(text, tuple(calls), _judged(text, calls), fault=fault)
    in_form = options.form is not None and bool(text.strip())
    said = _in_form(text, mended) if in_form else mended(text) if text else ""
    # Nobody judges ids, so they are none of the model's. Some servers take nine letters and digits and no others.
    made = [
        replace(c, arguments=written(_each(parsed(c.arguments or "{}"), mended)), id=_new_id())
        for c in calls
    ]  # fmt: skip
    read = _judged(said_by(said) if in_form else said, made)
    return Shaped(said, tuple(made), read, tuple(found))


def _fault(text: str, calls: Sequence[ToolCall], options: DraftOptions, finish: Finish | None) -> str:
    """Why a draft cannot be read, if it cannot."""
    tools = options.tools
    for call in calls:
        if tools is None or call.name not in tools.callable:
            return f"there is no tool {call.name[:64]!r} to be called"
        none = "" if finish == "length" else "{}"  # cut off before its arguments, a call is not one without any
        if not isinstance(_value(call.arguments or none), dict):
            return f"the arguments for {call.name} are no JSON object"
    if not calls and tools is not None and tools.must:
        return "a tool was to be called, and none was"
    if options.form is not None and finish != "length" and (text.strip() or not calls):
        value = _value(text)
        if value is _NONE or not (options.form.schema or isinstance(value, dict)):
            return "the answer is not JSON" if value is _NONE else "the answer is no JSON object"
        return misfit(value, _value(options.form.schema)) if options.form.schema else ""
    return ""


_NONE = object()


def _value(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return _NONE


def _in_form(text: str, mended: Callable[[str], str]) -> str:
    value = _value(text)
    return mended(text) if value is _NONE else written(_each(value, mended))


def _each(value: Any, mended: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {visible(key): _each(inner, mended) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each(inner, mended) for inner in value]
    return mended(value) if isinstance(value, str) else value


def _judged(text: str, calls: Sequence[ToolCall]) -> str:
    return _APART.join(part for part in (text, *map(spelled, calls)) if part.strip())


def _new_id() -> str:
    return "".join(secrets.choice(_IDS) for _ in range(9))

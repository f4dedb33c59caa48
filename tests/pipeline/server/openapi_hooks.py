"""Loaded by schemathesis: gives what it sends the name of a model that is there, and a last turn that can be answered.

Otherwise nearly all of its requests would end at the door. What it made wrong on purpose stays wrong.
"""

from __future__ import annotations

from typing import Any

import schemathesis

LAST = {"role": "user", "content": "Hello?"}


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    told = dict(body)
    if isinstance(told.get("model"), str):
        told["model"] = "superego/polite"
    for turns in ("messages", "input"):
        given = told.get(turns)
        if isinstance(given, list) and given and all(isinstance(turn, dict) and "role" in turn for turn in given):
            told[turns] = [*given, LAST]
    return told

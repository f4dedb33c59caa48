"""Whether what holds for a run is what held when it was begun, and what does not, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_DIGEST = re.compile(r"[0-9a-f]{16,}")
_LONGEST = 60


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The facts of now that were none before, each by its name, with what it was and what it is where that says
    anything. Of a fact that is a mapping, its keys are told."""
    return [
        told
        for name, value in now.items()
        for told in _differing(name, before.get(name), json.loads(json.dumps(value)))
    ]


def _differing(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differing(key, old.get(key), new.get(key))
    elif old != new:
        shown = [_shown(value) for value in (old, new)]
        yield f"{name} ({shown[0]}, now {shown[1]})" if all(shown) else name


def _shown(value: Any) -> str:
    """Nothing of a digest, which tells nobody anything, nor of a whole group."""
    if value is None or value == "":
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) or _DIGEST.fullmatch(text):
        return ""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"

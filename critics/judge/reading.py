"""Reading a verdict that a model wrote: anchored, checked against what was offered, the last one wins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from critics.errors import Unreadable

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_LINE = re.compile(
    r"^[\s>*_#\"'`-]*(?P<label>(?:verdict|answer)[\s*_\"'`]*[:=])?(?:verdict|answer)?[\s:=*_\"'`]*(?P<word>[a-z]+)[\s.*_\"'`]*$",
    re.IGNORECASE | re.MULTILINE,
)


def read_verdict(text: str, choices: Sequence[str]) -> str:
    """The choice that `text` comes to. Raises `Unreadable` where that is not plain.

    A verdict is a JSON object's `verdict`, or a line that holds one of the choices and nothing else but perhaps the
    word "verdict". A choice somewhere in a sentence is not a verdict ("no rule is broken, yes?").
    """
    text = _THOUGHT.sub("", text)
    if "<think>" in text:
        raise Unreadable("the model was still thinking when its answer ended")
    found = [*_from_objects(text), *_from_lines(text, choices)]
    if not found:
        raise Unreadable(f"no verdict in {text[:80]!r}")
    verdict = max(found, key=lambda pair: pair[0])[1]
    if not isinstance(verdict, str) or verdict.strip().lower() not in choices:
        raise Unreadable(f"the verdict {verdict!r} is not among {', '.join(choices)}")
    return verdict.strip().lower()


def _from_lines(text: str, choices: Sequence[str]) -> Iterator[tuple[int, Any]]:
    for match in _LINE.finditer(text):
        if match["label"] or match["word"].lower() in choices:  # "Verdict: unclear" takes a "no" before it back
            yield match.start("word"), match["word"]


def _from_objects(text: str) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            end = position + 1
        else:
            if isinstance(value, dict) and "verdict" in value:
                yield position, value["verdict"]
        position = text.find("{", end)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Unreadable("the verdict has the same key twice")
    return dict(pairs)


def _no_number(constant: str) -> NoReturn:
    raise Unreadable(f"the verdict holds {constant}")

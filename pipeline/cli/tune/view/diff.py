"""Two answers, word by word: what went, what came, and a little of what stayed around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "went", "came"]

AROUND = 6
"""Words that are left on each side of a change."""
ALIKE = 0.4
"""Share of words in common below which two answers are two, and not one that was changed."""


class Part(NamedTuple):
    """Some words, with the blanks behind them."""

    kind: Kind
    text: str


def word_diff(before: str, after: str) -> list[Part] | None:
    """How one became the other; `None` where little of it stayed."""
    old, new = _words(before), _words(after)
    matcher = SequenceMatcher(None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False)
    if matcher.ratio() < ALIKE:
        return None
    return _shortened([part for code in matcher.get_opcodes() for part in _parts(old, new, *code)])


def _joined(words: Sequence[str]) -> str:
    """With a blank behind the last one, which may be followed by words of the other text."""
    text = "".join(words)
    return text if text[-1].isspace() else f"{text} "


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def _parts(old: Sequence[str], new: Sequence[str], tag: str, *places: int) -> Iterator[Part]:
    a, b, c, d = places
    if tag == "equal":
        yield Part("same", _joined(new[c:d]))
        return
    if a < b:
        yield Part("went", _joined(old[a:b]))
    if c < d:
        yield Part("came", _joined(new[c:d]))


def _shortened(parts: Sequence[Part]) -> list[Part]:
    """With what stayed cut to what lies near a change."""
    last = len(parts) - 1
    return [_cut(part, index > 0, index < last) if part.kind == "same" else part for index, part in enumerate(parts)]


def _cut(part: Part, before: bool, behind: bool) -> Part:
    words = _words(part.text)
    kept = AROUND * (before + behind)
    if len(words) <= kept + 1:
        return part
    head = "".join(words[:AROUND]).rstrip() + " " if before else ""
    tail = "".join(words[-AROUND:]) if behind else ""
    return Part("same", f"{head}… {tail}" if tail else f"{head}…")

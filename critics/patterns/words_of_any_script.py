r"""`\b`, `\B` and `\w` for words of any script: RE2's own know only ASCII, so that `\bété\b` would match nothing.

RE2 cannot be told otherwise, so the text is: marks are set where words begin and end, the assertions become marks, and
whatever else a pattern asks for may have marks before it. Time stays linear.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from critics.text.marks import marks
from critics.text.unspaced import HANGUL, UNSPACED

_EDGE, _INSIDE = "\ufdd0", "\ufdd1"  # no characters, for use inside a program: a text should have none
_MARKS = f"{_EDGE}-{_INSIDE}"  # a range, so that a hyphen may stand behind it
_SKIP = f"[{_MARKS}]*"
_COPIES = 2
"""Marks at a place, for two assertions there: at the end of one match, say, and at the beginning of the next."""

_WORD = r"_\pL\pM\pN"  # ends with a class, as `\w` does: a hyphen behind it makes no range
_CLASS = r"\\[pP](?:\{\^?\w+\}|\w)"
_TOKEN = re.compile(
    rf"\\Q(?P<quoted>.*?)(?:\\E|\Z)|(?P<class>{_CLASS})"
    r"|(?P<coded>\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\0[0-7]{0,2}|\\[1-7][0-7]{1,2})|(?P<escape>\\(?:b(?:\\b)*|B(?:\\B)*|.))"
    rf"|\[(?P<not>\^?)(?P<set>\]?(?:\[:\^?\w+:\]|{_CLASS}|\\.|[^\]\\])*)\]"
    r"|(?P<opening>\((?:\?P?<\w+>|\?(?P<on>[a-zA-Z]*)(?:-(?P<off>[a-zA-Z]*))?(?P<scope>[:)]))?)|(?P<closing>\))"
    r"|(?P<end>\$)|(?P<kept>[|^*+?]|\{\d+(?:,\d*)?\})|(?P<any>\.)|(?P<literal>.)",
    re.DOTALL,
)
_IN_SET = re.compile(rf"\[:\^?\w+:\]|{_CLASS}|\\.", re.DOTALL)
_NOTHING = r"\P{Any}"
_OF_WORDS = ("\\b", "\\B", "\\w", "\\W")
_ASSERTIONS = {"\\b": _EDGE, "\\B": _INSIDE, "\\A": "\\A", "\\z": f"{_SKIP}\\z"}
_CLASSES = {
    "\\w": f"[{_WORD}]", "\\W": f"[^{_WORD}{_MARKS}]", "\\D": f"[^\\d{_MARKS}]", "\\S": f"[^\\s{_MARKS}]",
}  # fmt: skip


def worded(pattern: str) -> str | None:
    """The pattern for a text that is `marked`; `None` where it asks for no words, so that there need be no marks."""
    tokens = list(_TOKEN.finditer(pattern))
    asks = any((token["escape"] or "")[:2] in _OF_WORDS or _asks(token["set"]) for token in tokens)
    writer = _Writer()
    return "".join(map(writer.written, tokens)) if asks else None


@dataclass
class _Writer:
    """Writes token after token anew. Of each open group it knows whether a dot in it is also a line break."""

    dots: list[bool] = field(default_factory=lambda: [False])

    def written(self, token: re.Match[str]) -> str:
        text = token[0]
        match token.lastgroup:
            case "quoted":
                return "".join(map(_atom, map(_literal, token["quoted"])))
            case "escape":
                return _ASSERTIONS.get(text[:2]) or _atom(_CLASSES.get(text, text))
            case "class":
                return _atom(_named(text))
            case "set":
                return _atom(_set(token["set"], negated=bool(token["not"])))
            case "any":
                return _atom(f"[^{_MARKS}]" if self.dots[-1] else f"[^\n{_MARKS}]")
            case "end":
                return f"{_SKIP}$"
            case "literal":
                return _atom(_literal(text))
            case "opening" | "scope":
                self._open(token)
            case "closing" if len(self.dots) > 1:
                self.dots.pop()
            case "coded":
                return _atom(text)
        return text

    def _open(self, token: re.Match[str]) -> None:
        dots = ("s" in (token["on"] or "") or self.dots[-1]) and "s" not in (token["off"] or "")
        if token["scope"] == ")":
            self.dots[-1] = dots
        else:
            self.dots.append(dots)


def _atom(one: str) -> str:
    return f"(?:{_SKIP}{one})"


def _literal(char: str) -> str:
    return f"\\x{{{ord(char):x}}}"


def _named(token: str) -> str:
    positive = "\\p" + token[2:].replace("^", "")
    return f"[^{positive}{_MARKS}]" if ("^" in token) != (token[1] == "P") else positive


def _asks(members: str | None) -> bool:
    return any(inner[0] in _OF_WORDS for inner in _IN_SET.finditer(members or ""))


def _set(members: str, *, negated: bool) -> str:
    """A set in brackets. All but something, as one of its members, would take in marks, and stands beside it."""
    beside: list[str] = []

    def member(inner: re.Match[str]) -> str:
        if inner[0] == "\\w":
            return _WORD
        if negated:
            return _no_word() if inner[0] == "\\W" else inner[0]
        if not (rest := _all_but(inner[0])):
            return inner[0]
        beside.append(rest)
        return _NOTHING

    inside = _IN_SET.sub(member, "\\" + members if members.startswith("]") else members)
    if negated:
        return f"[^{_MARKS}{inside}]"
    return f"(?:{'|'.join([f'[{inside}]', *beside])})" if beside else f"[{inside}]"


def _all_but(member: str) -> str:
    """A member of a set that is all but something, by itself; empty for any other."""
    if member.startswith("[:^"):
        return f"[^{member.replace('^', '')}{_MARKS}]"
    named = _named(member) if member[:2] in ("\\p", "\\P") else _CLASSES.get(member, "")
    return named if named.startswith("[^") else ""


@lru_cache(maxsize=1)
def _no_word() -> str:
    """All that belongs to no word, in ranges. Made once, and only for who writes `\\W` behind `[^`."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if char in (_EDGE, _INSIDE, "_") or unicodedata.category(char)[0] in "LMN" or 0xD800 <= code <= 0xDFFF:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)


@lru_cache(maxsize=4)
def marked(text: str) -> tuple[str, tuple[int, ...]]:
    """The text with its marks, and where each character of it, and its end, stood in the one without."""
    text = re.sub(f"[{_MARKS}]", "\ufffd", text)
    edges = {edge for word in _words().finditer(text) for edge in word.span()}
    pieces = [*_pieces(text, edges)]
    places = (place for piece, place in pieces for _ in piece)
    return "".join(piece for piece, _ in pieces), (*places, len(text))


def _pieces(text: str, edges: set[int]) -> Iterator[tuple[str, int]]:
    for place in range(len(text) + 1):
        yield (_EDGE if place in edges else _INSIDE) * _COPIES, place
        yield text[place : place + 1], place


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    """What a word is made of; one that Latin letters make ends where Chinese begins, or a Korean particle."""
    own = f"[{UNSPACED}{HANGUL}]"
    return re.compile(f"(?:(?!{own})\\w|[{marks()}])+|(?:(?={own})\\w|[{marks()}])+")

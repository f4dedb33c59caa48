"""Read a pattern in RE2's syntax with the standard library's parser. Nothing is compiled or run."""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_LENGTH = 2_000

_CLASS_NAME = r"\\[pP](?:\{\^?\w+\}|\w)|\[:\^?\w+:\]"
TOKEN = re.compile(
    rf"(?P<quoted>\\Q.*?(?:\\E|\Z))|(?P<named>{_CLASS_NAME})|(?P<hex>\\x\{{[0-9a-fA-F]+\}})|(?P<escape>\\.)"
    rf"|(?P<set>\[\^?\]?(?:{_CLASS_NAME}|\\.|[^\]\\])*\])|(?P<flags>\(\?[imsU-]+\))"
    r"|(?P<opening>\((?:\?[imsU-]*:|\?P?<\w+>)?(?!\?))|(?P<bar>\|)",
    re.DOTALL,
)
_IN_SET = re.compile(rf"(?P<named>{_CLASS_NAME})|(?P<hex>\\x\{{[0-9a-fA-F]+\}})|(?P<escape>\\.)", re.DOTALL)
_STAND_INS = range(0xF0000, 0xFFFFE)  # private use: no pattern means them

_POSIX = {
    "alpha": "[A-Za-z]", "digit": "[0-9]", "alnum": "[0-9A-Za-z]", "upper": "[A-Z]", "lower": "[a-z]",
    "space": r"\s", "blank": "[ \t]", "punct": r"[!-/:-@\[-`{-~]", "word": r"\w", "xdigit": "[0-9A-Fa-f]",
    "graph": "[!-~]", "print": "[ -~]", "cntrl": "[\x00-\x1f\x7f]", "ascii": "[\x00-\x7f]",
}  # fmt: skip


@dataclass
class Syntax:
    """A parsed pattern, and the named classes that its stand-in characters mean."""

    tree: Any = None
    classes: dict[str, str] = field(default_factory=dict)

    def stand_in(self, name: str) -> str:
        known = {name: char for char, name in self.classes.items()}
        char = known.get(name) or chr(_STAND_INS[len(self.classes)])
        self.classes[char] = name
        return char


def parse(pattern: str) -> Syntax | None:
    """The pattern's tree; `None` where it is too long or cannot be read, which `compile_pattern` has words for."""
    syntax = Syntax()
    if len(pattern) > MAX_LENGTH:
        return None
    # An empty group of its own in front of each alternative keeps the parser from merging alternatives, which would
    # hide that two of them are alike.
    plain = "()" + TOKEN.sub(lambda found: _plain(found, syntax), pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the parser warns of is legal in RE2
        try:
            syntax.tree = importlib.import_module("re._parser").parse(plain)
        except (re.error, RecursionError, OverflowError):
            return None
    return syntax


def shown(pattern: str) -> str:
    """A pattern as a message quotes it: not too long, and fit for any terminal."""
    short = pattern if len(pattern) <= 80 else pattern[:79] + "\u2026"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short)


def members(name: str, alphabet: Iterable[str]) -> frozenset[str]:
    r"""The characters of `alphabet` in a class such as `\pL`, `\P{Greek}` or `[:alpha:]`."""
    bare = re.sub(r"^\\[pP]|\W", "", name)
    negated = ("^" in name) != name.startswith("\\P")
    return frozenset(char for char in alphabet if _has(char, bare, posix=name.startswith("[")) != negated)


def _has(char: str, name: str, *, posix: bool) -> bool:
    if posix:
        return re.fullmatch(_POSIX.get(name, "."), char) is not None
    if len(name) <= 2:
        return unicodedata.category(char).startswith(name)
    return name == "Any" or unicodedata.name(char, "").startswith(name.upper())


def _plain(found: re.Match[str], syntax: Syntax) -> str:
    """A token of RE2 as the standard library spells it."""
    token = found[0]
    match found.lastgroup:
        case "quoted":
            return re.escape(token.removeprefix("\\Q").removesuffix("\\E"))
        case "named":
            return syntax.stand_in(token)
        case "hex":
            return re.escape(chr(min(int(token[3:-1], 16), 0x10FFFF)))
        case "set":
            return "[" + _IN_SET.sub(lambda inner: _plain(inner, syntax), token[1:])
        case "flags":
            return ""
        case "opening":
            return "(?:()"
        case "bar":
            return "|()"
    return {"\\z": "\\Z", "\\C": "."}.get(token, token)

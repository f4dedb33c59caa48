"""Regular expressions from a manifesto, on RE2: its time is linear in the text, whatever the pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from critics.finding import Span
from critics.patterns.ambiguity import pitfall
from critics.patterns.syntax import shown
from critics.patterns.words_of_any_script import marked, worded
from critics.text.invisible import SURROGATE

__all__ = ["Pattern", "PatternError", "compile_pattern", "matches_empty", "pitfall"]

MAX_MEMORY = 8 << 20
"""Bytes that one compiled pattern may take."""
WORDED = 8
"""How many times as many one that goes by the words of all scripts may take."""

_SURROGATE = re.compile(f"[{SURROGATE}]")
_PART_OF_CHARACTER = re.compile(r"(?<!\\)(?:\\\\)*\\C")

_NO_LOOKING = "look-around is not in RE2, which keeps to linear time; write the pattern without it"
_NO_BACK_REFERENCE = "back-references are not in RE2, which keeps to linear time; write out what may be repeated"
_NO_POSSESSION = "possessive and atomic repetition is not in RE2, which needs none; write a plain `*`, `+` or `?`"

_CURES = (  # the first whose expression is found in RE2's own words
    (r"operator: \(\?(?:[=!]|<[=!])", _NO_LOOKING),
    (r"escape sequence: \\(?:[1-9]|k)|operator: \(\?P$", _NO_BACK_REFERENCE),
    (r"repetition operator: [*+?}]\+|operator: \(\?>", _NO_POSSESSION),
    (r"escape sequence: \\Z", r"write \z for the end of the text"),
    (r"escape sequence: \\[uUN]", r"write \x{20AC} with the character's hexadecimal number, or the character itself"),
    (r"operator: \(\?[#x]", "comments and the flag x are not in RE2; leave them out"),
    (r"invalid escape", "write the character bare, or two backslashes for a backslash"),
    (r"no argument for repetition", "put something before it to repeat, or a backslash if it is meant as itself"),
    (r"repetition operator", "put the inner repetition into a group, such as (?:a*)*, or drop one of the two"),
    (r"repetition size", "repeat at most 1000 times in all, nested counts multiplied"),
    (r"too large", "make it smaller: fewer counted repetitions, or several patterns"),
    (r"missing \]|missing \)|unexpected \)", "close what is opened, or put a backslash where a bracket is meant"),
    (r"trailing \\", "write two backslashes for a backslash"),
    (r"class range", "give the lower end of a range first, and only names of classes that RE2 knows"),
)


class PatternError(ValueError):
    """A pattern that cannot be used; its text says what is wrong and the cure."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern."""

    source: str
    _compiled: Any
    _worded: Any = None
    """The same for a text that is `marked`, where the pattern asks for words and RE2 would know only those in ASCII."""

    def spans(self, text: str) -> Iterator[Span]:
        """Where it matches, in order and without overlap but for what ends before a last line break; empty matches are
        left out."""
        for searched in self._texts(text):
            yield from self._spans(searched)

    def found(self, text: str) -> bool:
        """Whether it matches anywhere, be it emptily."""
        return any(map(self._found, self._texts(text)))

    def _texts(self, text: str) -> Iterator[str]:
        """The text, and without line breaks at its end: for a reader it ends before them, and so it does for `$`."""
        yield text
        if "$" in self.source and (bare := text.rstrip("\r\n")) != text:
            yield bare

    def _spans(self, text: str) -> Iterator[Span]:
        if self._worded is None or text.isascii():
            places = (found.span() for found in self._compiled.finditer(_encodable(text)))
        else:
            searched, offsets = marked(_encodable(text))
            places = ((offsets[found.start()], offsets[found.end()]) for found in self._worded.finditer(searched))
        yield from (Span(start, end) for start, end in places if start < end)

    def _found(self, text: str) -> bool:
        if self._worded is None or text.isascii():
            return self._compiled.search(_encodable(text)) is not None
        return self._worded.search(marked(_encodable(text))[0]) is not None


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str, *, case_sensitive: bool) -> Pattern:
    r"""For RE2, whose `\d` and `\s` know only ASCII; `\w` and `\b` go by the letters of all scripts.

    Raises `PatternError`.
    """
    if _PART_OF_CHARACTER.search(pattern):
        raise PatternError(f"`{shown(pattern)}`: \\C matches a part of a character; write (?s:.) for any character")
    try:
        plain, of_words = _compiled(pattern, MAX_MEMORY, case_sensitive=case_sensitive), worded(pattern)
        # It is larger than what it was made of, and need not be smaller for that.
        more = of_words and _compiled(of_words, WORDED * MAX_MEMORY, case_sensitive=case_sensitive)
        return Pattern(pattern, plain, more)
    except UnicodeEncodeError as exc:
        raise PatternError(f"`{shown(pattern)}`: it holds half of a surrogate pair; write the whole character") from exc
    except re2.error as exc:
        raise PatternError(f"`{shown(pattern)}`: {_explained(exc)}") from exc


def _compiled(pattern: str, memory: int, *, case_sensitive: bool) -> Any:
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    options.case_sensitive = case_sensitive
    return re2.compile(pattern, options)


def matches_empty(pattern: str) -> bool:
    """Whether it can match the empty string, somewhere in some text. Raises `PatternError`."""
    compiled = compile_pattern(pattern, case_sensitive=True)._compiled
    # Between them these hold every kind of place that RE2's assertions (^ $ \b \B) tell apart.
    texts = ("", "a", " ", "\n", "aa", "  ", "a a", "a\na", " \n ")
    return any(found.start() == found.end() for text in texts for found in compiled.finditer(text))


def _explained(exc: Exception) -> str:
    words = exc.args[0].decode("utf-8", "replace") if isinstance(exc.args[0], bytes) else str(exc)
    cure = next(
        (cure for sign, cure in _CURES if re.search(sign, words)), "see https://github.com/google/re2/wiki/Syntax"
    )
    return f"{words}; {cure}"


def _encodable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)

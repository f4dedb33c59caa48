"""Where sentences begin and end, by rules that need no model and serve most European and East Asian languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from critics.finding import Span
from critics.text.abbreviations import BEFORE_NUMBER, MAY_BE_LAST, NEVER_LAST, OPENERS

_LINE = re.compile("[^\n\r\x0b\x0c\x85\u2028\u2029]+")
_CLOSERS = "[\"'\u2019\u201d\u00bb\u203a)\\]}*_`\u300d\u300f\u3011\uff09\u300b\u3009]*"
_WIDE = "\u3002\uff01\uff1f\uff61"  # CJK stops need no space after them
_STOP = re.compile(f"([.!?\u2026\u203c\u2047-\u2049\u061f\u06d4\u0964\u0965{_WIDE}]+)({_CLOSERS})")
_TOKEN_LENGTH = 24

_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_ENUMERATOR = re.compile(r"\s*(?:[-*#>(]\s*)*(?:\d{1,3}|[ivxIVX]{1,5}|[a-zA-Z])(?:\.\d{1,3})*")
_WORD = re.compile("[^\\W\\d_]+")


def sentences(text: str) -> tuple[Span, ...]:
    """Spans of the sentences: in order, without overlap or outer white space, and together all that is not white space.

    A new line always ends a sentence, so that items of lists and headings are sentences of their own.
    """
    found = []
    for line in _LINE.finditer(text):
        start = line.start()
        for end in (*_ends(line[0], line.start()), line.end()):
            piece = text[start:end]
            if piece.strip():
                found.append(Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
            start = end
    return tuple(found)


def _ends(line: str, offset: int) -> Iterator[int]:
    """Where sentences end inside a line, counted from `offset`."""
    for stop in _STOP.finditer(line):
        after = line[stop.end() : stop.end() + _TOKEN_LENGTH]
        if stop[1][-1] in _WIDE or (after[:1].isspace() and _is_end(line, stop, after.lstrip())):
            yield offset + stop.end()


def _is_end(line: str, stop: re.Match[str], after: str) -> bool:
    """Whether a stop with a space after it ends the sentence. `after` is what follows the space."""
    following = after.lstrip("\"'\u2018\u201c\u00ab\u2039([{*_`")
    goes_on = following[:1].islower()
    if stop[1] != ".":
        # "Really?" she asked. Well... maybe.
        return not (goes_on and (stop[2] or stop[1].endswith(("...", "\u2026"))))
    before = line[max(0, stop.start() - _TOKEN_LENGTH) : stop.start()]
    if stop.start() < _TOKEN_LENGTH and _ENUMERATOR.fullmatch(before):
        return False
    token = before.split()[-1].lstrip("\"'\u2018\u201c([{*_`") if before.strip() else ""
    return not goes_on if stop[2] else _ends_with(token, following)


def _ends_with(token: str, following: str) -> bool:
    """Whether a dot right after `token` is a full stop, given what follows the space after it."""
    word = token.lower()
    if word in NEVER_LAST:
        return False
    if word in BEFORE_NUMBER and following[:1].isdigit():
        return False
    if word in MAY_BE_LAST:
        return following[:1].isupper()
    if _INITIALS.fullmatch(token) or (len(token) == 1 and token.isupper()):
        opener = _WORD.match(following)
        return opener is not None and opener[0].istitle() and opener[0].lower() in OPENERS
    # A long word before the dot is hardly an abbreviation, whatever follows.
    return not following[:1].islower() or len(word) > 3

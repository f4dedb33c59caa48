"""Quote a place in a text, so that whoever mends it finds it."""

from __future__ import annotations

from critics.finding import Span
from critics.text.visible import visible

CONTEXT = 40
"""Characters of a quotation."""

_MORE = "\u2026"


def quoted(text: str, *, most: int = CONTEXT) -> str:
    """`text` on one line in quotation marks, cut after about `most` characters."""
    line = " ".join(visible(text).split())
    return f"\u201c{line if len(line) <= most else _cut(line, most)}\u201d"


def in_context(text: str, span: Span) -> str:
    """About `CONTEXT` characters around a place, a little before it and the rest after."""
    begin = max(0, span.start - CONTEXT // 4)
    if begin > 0:
        space = text.find(" ", begin, span.start)
        begin = begin if space < 0 else space + 1
    end = max(begin + CONTEXT, span.end)
    line = " ".join(visible(text[begin : end + CONTEXT]).split())
    return f"\u201c{_MORE if begin > 0 else ''}{_cut(line, CONTEXT)}\u201d"


def _cut(line: str, most: int) -> str:
    """The start of a line, whole words where there are any."""
    if len(line) <= most:
        return line
    space = line.rfind(" ", most // 2, most + 1)
    return line[: most if space < 0 else space] + " " * (space >= 0) + _MORE

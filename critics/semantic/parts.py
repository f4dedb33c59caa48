"""A text in parts that an embedding model reads whole."""

from __future__ import annotations

import re

from critics.finding import Span
from critics.text.windows import windows

SIZE = 1000
"""Of a part: about 160 English words, as much as small embedding models read well. Smaller parts tell less: in a long
reply the worst of many sentences is bad by chance."""

_PLAIN = re.compile("[A-Za-z ]+")


def parts(text: str) -> tuple[Span, ...]:
    """Overlapping parts that together are the text; a text that is not long is one part."""
    return windows(text, size=SIZE, overlap=SIZE // 5, measure=_size)


def _size(text: str) -> int:
    """Letters and spaces count once; what may be a token of its own counts as four letters."""
    plain = sum(len(run) for run in _PLAIN.findall(text))
    return 4 * len(text) - 3 * plain

"""Overlapping windows on a text too long to be judged at once. No character is left out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from critics.finding import Span
from critics.text.sentences import sentences

Measure = Callable[[str], int]


def windows(text: str, *, size: int, overlap: int, measure: Measure) -> tuple[Span, ...]:
    """At least one span; together they cover `text`, each measures at most `size`, neighbours share up to `overlap`.

    `size`, `overlap` and `measure` are in the same unit, as a rule tokens. Cut after a sentence where one ends in the
    later half of a window, else at a space, else anywhere. Only a single character that measures more than `size` makes
    a window that does. Raises `ValueError` unless 0 <= overlap < size.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"windows need 0 <= overlap < size, not overlap={overlap} and size={size}")
    if measure(text) <= size:
        return (Span(0, len(text)),)
    return _Cutter(text, size, overlap, measure).cut()


class _Cutter:
    def __init__(self, text: str, size: int, overlap: int, measure: Measure) -> None:
        self._text, self._size, self._overlap, self._measure = text, size, overlap, measure
        spans = sentences(text)
        self._starts = [span.start for span in spans]
        self._ends = [span.end for span in spans]

    def cut(self) -> tuple[Span, ...]:
        found: list[Span] = []
        start = end = 0
        while end < len(self._text):
            reach = self._reach(start)
            if reach <= end:  # the overlap leaves no room for anything new
                start = end
                continue
            end = self._end(start, max(end, (start + reach) // 2), reach)
            found.append(Span(start, end))
            start = self._next_start(start, end)
        return tuple(found)

    def _reach(self, start: int) -> int:
        """The furthest end of a window from `start` that fits; at least one character on."""
        return start + _most(
            len(self._text) - start, self._size, lambda length: self._fits(start, start + length, self._size)
        )

    def _next_start(self, start: int, end: int) -> int:
        """Where the window after `start` to `end` begins: as far back as the overlap allows, or a little later."""
        if self._overlap == 0 or not self._fits(end - 1, end, self._overlap):
            return end
        back = _most(end - start - 1, self._overlap, lambda length: self._fits(end - length, end, self._overlap))
        return self._start(max(end - back, start + 1), end)

    def _end(self, start: int, least: int, most: int) -> int:
        """A good place to cut, after `least` and up to `most`."""
        if most == len(self._text):
            return most
        index = bisect_right(self._ends, most) - 1
        if index >= 0 and self._ends[index] > least:
            end = self._ends[index]
        else:
            end = next((i for i in range(most, least, -1) if self._text[i].isspace()), most)
        # A tokenizer may need more tokens for a part than for the whole.
        return end if self._fits(start, end, self._size) else most

    def _start(self, least: int, end: int) -> int:
        """A good place to begin, from `least` and before `end`."""
        index = bisect_left(self._starts, least)
        if index < len(self._starts) and self._starts[index] < end:
            return self._starts[index]
        return next((i for i in range(least, end) if self._text[i - 1].isspace()), least)

    def _fits(self, start: int, end: int, size: int) -> bool:
        return self._measure(self._text[start:end]) <= size


def _most(limit: int, guess: int, fits: Callable[[int], bool]) -> int:
    """The greatest length up to `limit` that fits, by doubling and halving; at least 1, whether that fits or not."""
    low, high = 1, min(max(guess, 2), limit)
    while low < high and fits(high):
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low

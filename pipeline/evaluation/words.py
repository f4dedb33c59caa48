"""Figures in the words that table and page share."""

from __future__ import annotations

from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.compare import Comparison
from pipeline.evaluation.measure import Part
from pipeline.rounding import number


def span(interval: Interval | None, *, signed: bool = False) -> str:
    """From … to …, or nothing."""
    return f"{number(interval[0], signed=signed)} to {number(interval[1], signed=signed)}" if interval else ""


def chance(given: Comparison) -> str:
    """Of so uneven a split, and by which test. It is never none, though smaller than a number can be."""
    return f"p {f'= {given.p:.3g}' if given.p else '< 1e-300'} ({given.test}, exact)"


def costs(part: Part) -> tuple[str, str]:
    """Tokens and time of one judgement; no time where that cannot be told."""
    tokens = f"{part.tokens:.0f} tokens"
    if part.seconds is None:
        return tokens, ""
    return tokens, f"{part.seconds:.2f} s" if part.seconds >= 0.0995 else f"{part.seconds * 1000:.2g} ms"

"""Figures as people read them: rounded, but never to a certainty that they are not."""

from __future__ import annotations

NOT_TOLD = "–"


def number(value: float | None, *, digits: int = 3, signed: bool = False) -> str:
    """With so many digits, or a dash for what could not be told. What is nearly 0 or 1 is not shown as if it were, nor
    a difference as if it were none."""
    if value is None:
        return NOT_TOLD
    value += 0.0  # -0.0 becomes 0.0
    least = 10**-digits
    near = round(value, digits) in (0, 1) and value not in (0, 1)
    sign = "+" if signed else ""
    if near and abs(value) < 0.5 and (signed or value < 0):
        return f"{value:{sign}.1g}"
    if near and not signed and value < 1:
        return f"<{least:.{digits}f}" if value < 0.5 else f">{1 - least:.{digits}f}"
    return f"{value:{sign}.{digits}f}"


def against(value: float, line: float) -> str:
    """With two digits, or as many more as tell whether it reaches a line."""
    said = (f"{value:.{digits}f}" for digits in range(2, 12))
    return next((told for told in said if (float(told) >= line) == (value >= line)), str(value))


def share(part: float, whole: float) -> str:
    """Per cent, of which 100 are all and 0 are none; a dash for a share of nothing."""
    if not whole:
        return NOT_TOLD
    told = part / whole
    return f"{min(max(told, 0.01), 0.99) if 0 < part < whole else told:.0%}"

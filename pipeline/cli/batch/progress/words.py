"""Progress in the words that the terminal and the log share."""

from __future__ import annotations

from pipeline.cli.batch.progress.pace import Progress

WORST = 3
"""Rules that are named."""
_ORDER = ("released", "withheld", "faulted")


def far(told: Progress) -> str:
    """How many are done, of how many."""
    return f"{told.done:,}" + (f" of {told.total:,}" if told.total is not None else "")


def statuses(told: Progress) -> str:
    """What came of those of this run."""
    return ", ".join(f"{told.statuses[status]:,} {status}" for status in _ORDER if told.statuses.get(status))


def pace(told: Progress) -> str:
    """Prompts, tokens, and what time that leaves; nothing where it cannot be told."""
    parts = []
    if told.prompts_per_minute is not None:
        parts.append(f"{_figure(told.prompts_per_minute)} prompts/min")
    if told.tokens_per_second:  # some servers do not tell
        parts.append(f"{_figure(told.tokens_per_second)} tokens/s")
    if told.seconds_left is not None:
        parts.append(f"{span(told.seconds_left)} left")
    return ", ".join(parts)


def worst(told: Progress) -> str:
    """The rules that were broken most."""
    named = ", ".join(f"{rule} {count:,}" for rule, count in list(told.broken.items())[:WORST])
    return f"broken most: {named}" if named else ""


def span(seconds: float) -> str:
    """A time in two units at most."""
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole % 86_400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"

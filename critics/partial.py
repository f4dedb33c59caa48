"""What of a rule only the whole of a text can show, so that a part of it cannot be judged."""

from __future__ import annotations

import re

from critics.manifesto.schema import Length, Patterns, Rule
from critics.patterns.syntax import TOKEN

_LOOKS_AHEAD = re.compile(r"\$|\\[zB]")
"""What in a pattern may hold only because the text ends there for now. A `\\b` there goes on to hold, since no word
goes on behind the end of a sentence."""


def asks_of_whole(options: Patterns) -> str:
    """The option that a text may meet, or fail, only until it goes on; empty where there is none."""
    asks = {
        "require": bool(options.require),
        "require_words": bool(options.require_words),
        "languages": bool(options.languages),
        "at_least": any(map(_wants_more, (options.characters, options.words, options.sentences))),
        "forbid with $, \\z or \\B": any(map(_looks_ahead, options.forbid)),
    }
    return next((option for option, asked in asks.items() if asked), "")


def needs_whole(rule: Rule) -> str:
    """Why a part of a text cannot be judged by the rule, or mended, before the rest is there; empty where it can."""
    if rule.action == "redact" and rule.critics != ("personal-data",):
        return "what `patterns` mends may begin in one sentence and end in any later one"
    option = asks_of_whole(rule.patterns) if rule.patterns and "patterns" in rule.critics else ""
    return f"`{option}` is about the whole text" if option else ""


def _looks_ahead(pattern: str) -> bool:
    meant = TOKEN.sub(lambda token: token[0] if token[0] in ("\\z", "\\B") else "", pattern)  # not the sign: \$ and [$]
    return _LOOKS_AHEAD.search(meant) is not None


def _wants_more(length: Length | None) -> bool:
    return length is not None and length.at_least is not None

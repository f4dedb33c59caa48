"""Judging while a draft is being written: which rules are watched, and when a sentence is finished."""

from __future__ import annotations

import re

from critics import DETERMINISTIC, Manifesto, Rule, asks_of_whole, sentences

_MODEL = "judge"
ENDING = re.compile(
    "[.!?\u2026\u203c\u2047-\u2049\u061f\u06d4\u0964\u0965\u3002\uff01\uff1f\uff61\n\r\x0b\x0c\x85\u2028\u2029]"
)
"""Without one of these no sentence ends. They are more than enough: `sentences` has the say."""


def watched(manifesto: Manifesto, *, model: bool = False) -> tuple[Rule, ...]:
    """The veto rules for output that stay broken, once a part of a draft breaks them, however it goes on.

    `model` says whether the model critic is asked as well. None are watched where a part would not be mended as the
    whole is: what is redacted in the end must not stop a draft.
    """
    rules = manifesto.rules_for("output")
    if not all(_lasts(rule, DETERMINISTIC) for rule in rules if rule.action == "redact"):
        return ()
    asked = (*DETERMINISTIC, _MODEL) if model else DETERMINISTIC
    return tuple(rule for rule in rules if rule.action == "veto" and _lasts(rule, asked))


def _lasts(rule: Rule, asked: tuple[str, ...]) -> bool:
    """Whether a breach in a part is one in the whole, for all that the rule's critics look at."""
    if not set(rule.critics) <= set(asked):
        return False
    return "patterns" not in rule.critics or (rule.patterns is not None and not asks_of_whole(rule.patterns))


class Watch:
    """Follows one draft as it grows. `begun` characters of it were judged before."""

    def __init__(self, begun: int = 0) -> None:
        self._end = begun
        self._due = False

    def finished(self, draft: str, piece: str) -> str | None:
        """The draft up to the end of its last finished sentence, if `piece`, its end, finished one."""
        *ended, rest = ENDING.split(piece)
        if not (ended or self._due):
            return None
        # The next sentence may begin in another piece, and so may quotation marks that close this one.
        self._due = not any(map(str.isalnum, rest))
        fresh = sentences(draft[self._end :])
        if len(fresh) < 2:
            return None
        self._end += fresh[-2].end
        return draft[: self._end]

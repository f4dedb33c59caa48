"""The critic itself, and what it needs of a service: one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from critics.exchange import Exchange
from critics.finding import Finding, undecided
from critics.manifesto.schema import Remote, Rule
from critics.text.normalise import normalise

NAME = "remote"


class Moderator(Protocol):
    """A text in; for each category of harm that the service knows, the probability of it out.

    Raises `ModelError` where the service fails or cannot be understood. Serves any number of threads.
    """

    def __call__(self, text: str) -> Mapping[str, float]: ...


class RemoteCritic:
    """Asks once a text, for all rules; of the categories that a rule names, the worst counts, else the worst of all.

    A category that the service does not score in [0, 1] leaves the rule undecided, unless another breaks it. Raises
    what the moderator raises.
    """

    def __init__(self, moderator: Moderator) -> None:
        self._moderator = moderator

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        scores = self._moderator(normalise(exchange.judged).text)
        return [_finding(rule, scores) for rule in rules]


def _finding(rule: Rule, scores: Mapping[str, float]) -> Finding:
    wanted = (rule.remote or Remote()).categories or tuple(scores)
    # NaN is in no range, so what is left can be compared.
    known = {name: scores[name] for name in wanted if 0 <= scores.get(name, -1) <= 1}
    unknown = [name for name in wanted if name not in known]
    worst = max(known.values(), default=0.0)
    if worst >= rule.threshold:
        found = sorted((name for name in known if known[name] >= rule.threshold), key=known.__getitem__, reverse=True)
        return Finding(rule.id, NAME, worst, f"it was found to hold {', '.join(found)}", in_part=bool(unknown))
    if unknown:
        told = f"; it knows {', '.join(scores)}" if scores else ""
        return undecided(rule, NAME, f"the service gave no probability of {', '.join(unknown)}{told}")
    if not known:
        return undecided(rule, NAME, "the service named no category at all")
    return Finding(rule.id, NAME, worst)

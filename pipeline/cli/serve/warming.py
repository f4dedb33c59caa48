"""What critics load and read once is there before the first request, which would else wait for it, perhaps in vain."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from critics import DETERMINISTIC, Exchange, Message, Rule
from pipeline.assembly.weights import judge_name, weights_of
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings

_ASKED = Exchange((Message("user", "Good day."),))
_ANSWERED = Exchange(_ASKED.conversation, "Good day to you.")

_log = logging.getLogger("superego")


def warm(pipelines: Sequence[Pipeline], settings: Settings) -> None:
    """Have the critics in this process judge a few words. Those that ask a server are left alone, since that may cost
    something, and so are people's own. What they say does not matter here: that one fails is an outcome's affair."""
    here = _here(settings)
    trials = [
        (pipeline, exchange, rules)
        for pipeline in pipelines
        for exchange, side in ((_ASKED, pipeline.manifesto.rules_for("input")),
                               (_ANSWERED, pipeline.manifesto.rules_for("output")))
        if (rules := list(_trial(side, here)))
    ]  # fmt: skip
    if trials:
        _log.info("once: loading what the critics judge with")
    for pipeline, exchange, rules in trials:
        pipeline.critic(exchange, rules)


def _here(settings: Settings) -> frozenset[str]:
    """The critics that work in this process, by the settings."""
    found = {*DETERMINISTIC, "probe"}
    if settings.embeddings.model == "embedded":
        found |= {"semantic", "grounded"}
    if weights_of(judge_name(settings)):
        found.add("judge")
    if settings.guard.model and weights_of(settings.guard.model):
        found.add("guard")
    return frozenset(found)


def _trial(rules: Sequence[Rule], here: frozenset[str]) -> Iterator[Rule]:
    """Rules to ask them about: all, but of a model that writes the first one, with which it has read what the others
    have in common with that. Each is asked, whatever another says."""
    written: set[str] = set()
    for rule in rules:
        names = tuple(name for name in rule.critics if name in here - written)
        written |= {"judge", "guard"} & set(names)
        if names:
            yield rule.model_copy(update={"critics": names, "open_between": None})

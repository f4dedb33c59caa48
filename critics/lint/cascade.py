"""Cascades and combinations of critics that parse but cannot work."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from critics.lint.placing import Complaint
from critics.manifesto.schema import DETERMINISTIC, Bounds, Manifesto, Rule

KEYS = ("open_between", "combine")
"""Of a manifesto, for its rules, and of a rule."""


def cascade_complaints(manifesto: Manifesto, inherited: Collection[str] = ()) -> Iterator[Complaint]:
    """What is wrong with `open_between` and `combine`, of the manifesto and of its rules, each with its place. What is
    `inherited` may be for rules that are no more."""
    if what := _bounds(manifesto.open_between):
        yield ("open_between",), what
    for key in KEYS:
        given = key not in inherited and key in manifesto.model_fields_set and getattr(manifesto, key) is not None
        if given and not any(len(rule.critics) > 1 and rule.action != "redact" for rule in manifesto.rules):
            yield (key,), "never used: no rule that is not redacted has several critics; leave it out"
    for index, rule in enumerate(manifesto.rules):
        for place, what in rule_complaints(rule, inherited=manifesto.open_between):
            yield ("rules", index, *place), what


def rule_complaints(rule: Rule, *, inherited: Bounds | None = None) -> Iterator[Complaint]:
    """The same of a rule by itself."""
    for key in KEYS:
        if getattr(rule, key) is None:
            continue
        if len(rule.critics) == 1:
            yield (
                (key,),
                f"`{rule.critics[0]}` is the rule's only critic: name another behind it, or leave this out",
            )
        elif rule.action == "redact":
            yield (key,), "every critic of a rule that is redacted is asked, and mends what it finds: leave this out"
    cascaded = rule.open_between is not None and len(rule.critics) > 1 and rule.action != "redact"
    if rule.probe and rule.probe.doubt and "probe" in rule.critics:
        if rule.applies_to == "input":
            yield ("probe", "doubt"), "the rule is about the request itself: leave this out"
        elif not cascaded or rule.critics[-1] == "probe":
            yield ("probe", "doubt"), "it keeps nothing open: name a critic behind `probe`, and give `open_between`"
    if rule.open_between is None or not cascaded:
        return
    if what := _bounds(rule.open_between):
        if rule.open_between != inherited:
            yield ("open_between",), what
        return
    lower, upper = rule.open_between
    if not lower <= rule.threshold <= upper:
        what = f"the threshold {rule.threshold:g} lies outside of {lower:g} to {upper:g}"
        yield ("open_between",), f"{what}, so a rule in doubt would count as settled: put it between them"
    yield from _order(rule)


def _bounds(bounds: Bounds | None) -> str | None:
    if bounds is None or bounds[0] < bounds[1]:
        return None
    lower, upper = bounds
    if lower == upper:
        return f"nothing lies between {lower:g} and {upper:g}, so no later critic is ever asked: set them apart"
    return f"the lower bound comes first: [{upper:g}, {lower:g}]"


def _order(rule: Rule) -> Iterator[Complaint]:
    guessed = ""
    for index, name in enumerate(rule.critics):
        if name not in DETERMINISTIC:
            guessed = guessed or name
        elif guessed:
            yield ("critics", index), f"`{guessed}` could settle the rule before `{name}` is asked: put `{name}` first"
